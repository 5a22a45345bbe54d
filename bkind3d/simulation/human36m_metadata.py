"""Human3.6M's ``metadata.xml`` for the simulated person: invented cameras, and the table of takes."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from bkind3d.geometry.cameras import Camera
from bkind3d.simulation.human_motion import ACTIONS
from bkind3d.simulation.rigs import look_at

#: The data set's own names and picture sizes, by which programs know its cameras.
CAMERAS = {"54138969": (1000, 1002), "55011271": (1000, 1000), "58860488": (1000, 1000), "60457274": (1000, 1002)}
SUBJECTS = tuple(f"S{number}" for number in range(1, 12))
#: Those whose poses the data set gives out.
PUBLISHED = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
TAKES = (1, 2)
#: The data set's first action, which stands for recordings of everything, and how their files are named.
_ALL = ("Miscellaneous", "_ALL")
#: Direction (degrees) from the room's centre in which the cameras stand.
_AZIMUTHS = (68.0, -67.0, 112.0, -113.0)


def name_files(subject: str, action: str, take: int) -> str:
    """How the names of a take's files begin: in the data set's irregular ways."""
    shorter = {"WalkingTogether": "WalkTogether", **({} if subject == "S1" else {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"})}
    base = shorter.get(action, action)
    return f"{base} 1" if take == 1 else base


def make_human36m_cameras(subject: str) -> dict[str, Camera]:
    """Four cameras around a room, as they stood for a subject; world (mm), z up. Lenses are the same for all subjects.

    Distortion is radial only, so that the data set's formula and OpenCV's are the same.
    """
    lenses, places = np.random.default_rng(361), np.random.default_rng([362, SUBJECTS.index(subject)])
    cameras = {}
    for (name, size), azimuth in zip(CAMERAS.items(), _AZIMUTHS, strict=True):
        fx, fy = 1146 + lenses.uniform(-4, 4, 2)
        cx, cy = np.array(size) / 2 + lenses.uniform(-12, 12, 2)
        distortion = np.array([-0.2, 0.24, 0, 0, -0.003]) * lenses.uniform(0.9, 1.1, 5)
        angle = np.radians(azimuth + places.uniform(-2, 2))
        distance, height = 5200 + places.uniform(-150, 150), 1550 + places.uniform(-80, 80)
        centre = np.array([distance * np.cos(angle), distance * np.sin(angle), height])
        rotation = look_at(centre, np.array([*places.uniform(-80, 80, 2), 900.0]), roll=np.radians(places.uniform(-1, 1)))
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        cameras[name] = Camera(name, size, matrix, distortion, rotation, -rotation @ centre)
    return cameras


def write_human36m_metadata(path: Path) -> None:
    """Write the cameras and takes of all subjects as the data set has them."""
    root = ElementTree.Element("metadata")
    mapping, actions = ElementTree.SubElement(root, "mapping"), ElementTree.SubElement(root, "actionnames")
    _add_row(mapping, ["action", "subaction", *SUBJECTS])
    for number, action in enumerate((_ALL[0], *ACTIONS), start=1):
        ElementTree.SubElement(actions, "action").text = action
        for take in TAKES:
            name = _ALL[1] if action == _ALL[0] else action
            _add_row(mapping, [str(number), str(take), *(name_files(subject, name, take) for subject in SUBJECTS)])
    index = ElementTree.SubElement(ElementTree.SubElement(root, "dbcameras"), "index2id")
    for camera in CAMERAS:
        ElementTree.SubElement(index, "id").text = camera
    rigs = [make_human36m_cameras(subject) for subject in SUBJECTS]
    numbers = [number for camera in CAMERAS for rig in rigs for number in _list_pose(rig[camera])]
    numbers += [number for camera in rigs[0].values() for number in _list_lens(camera)]
    ElementTree.SubElement(root, "w0").text = "[" + " ".join(repr(float(number)) for number in numbers) + "]"
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add_row(mapping: ElementTree.Element, cells: list[str]) -> None:
    row = ElementTree.SubElement(mapping, "tr")
    for cell in cells:
        ElementTree.SubElement(row, "td").text = cell


def _list_pose(camera: Camera) -> list[float]:
    """Three angles, with world to camera = Rx Ry Rz, and the camera's position."""
    return [*Rotation.from_matrix(camera.rotation).as_euler("XYZ"), *camera.centre]


def _list_lens(camera: Camera) -> list[float]:
    """Focal lengths, principal point, k1 to k3, p1, p2."""
    k1, k2, p1, p2, k3 = camera.distortion
    return [*camera.matrix[[0, 1], [0, 1]], *camera.matrix[:2, 2], k1, k2, k3, p1, p2]
