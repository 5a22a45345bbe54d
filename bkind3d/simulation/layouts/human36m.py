"""A simulated person in exactly the files of Human3.6M: videos, poses as CDF, ``metadata.xml``. Plumbing is tried with it, not science."""

from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import cdflib
import mujoco
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bkind3d.config import SimulatedRig, SimulatedSubject
from bkind3d.data.progress import track
from bkind3d.data.video_writer import VideoWriter
from bkind3d.geometry.cameras import Camera
from bkind3d.simulation import person
from bkind3d.simulation.animals import Take
from bkind3d.simulation.filming import Stage, film_positions, record, share_out
from bkind3d.simulation.layouts.writing import Content
from bkind3d.simulation.rigs import look_at
from bkind3d.simulation.scenes import add_arena

#: The data set's own names and picture sizes, by which programs know its cameras.
CAMERAS = {"54138969": (1000, 1002), "55011271": (1000, 1000), "58860488": (1000, 1000), "60457274": (1000, 1002)}
_ALL_SUBJECTS = tuple(f"S{number}" for number in range(1, 12))
#: Those whose poses the data set gives out, out of all.
SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
TAKES = (1, 2)
#: The data set's first action, which stands for recordings of everything, and how their files are named.
_ALL = ("Miscellaneous", "_ALL")
#: Direction (degrees) from the room's centre in which the cameras stand.
_AZIMUTHS = (68.0, -67.0, 112.0, -113.0)
ACTIONS, CHUNK, LEAST, IMITATES = person.BEHAVIOURS, 0, (2, 64), "Human3.6M"
_RATE = 50.0
#: The place where the person moves (mm).
_RIG = SimulatedRig(arena=4000.0, seed=7)
#: The data set's 32 joints: the 17 that count, and for the others what they repeat or end in.
_SITES = (
    "Pelvis", "RHip", "RKnee", "RAnkle", "RToes", "RToes", "LHip", "LKnee", "LAnkle", "LToes", "LToes",
    "Pelvis", "Spine", "Thorax", "Nose", "Head",
    "Thorax", "LShoulder", "LElbow", "LWrist", "LWrist", "LHand", "LWrist", "LHand",
    "Thorax", "RShoulder", "RElbow", "RWrist", "RWrist", "RHand", "RWrist", "RHand",
)  # fmt: skip


def write(content: Content, folder: Path, workers: int) -> int:
    """Write the archive. Pictures are smaller than the data set's; ``metadata.xml`` is for its own sizes, as its readers expect."""
    write_human36m_metadata(folder / "metadata.xml")
    share_out(film_subject, [(content, subject, folder) for subject in content.subjects], workers)
    return len(content.subjects) * len(content.actions) * len(TAKES)


def film_subject(content: Content, name: str, folder: Path) -> None:
    """Film all takes of a subject."""
    number = _ALL_SUBJECTS.index(name)
    subject = SimulatedSubject(animal="person", scale=1.0 + 0.02 * (number % 6), seed=number)
    spec = person.build_spec(subject)
    add_arena(spec, _RIG)
    for index in range(4):  # walls behind the cameras
        angle = index * np.pi / 2
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.05, 8, 2.5], pos=[7.5 * np.cos(angle), 7.5 * np.sin(angle), 2.4],
            quat=[np.cos(angle / 2), 0, 0, np.sin(angle / 2)], rgba=[0.8 + 0.04 * index, 0.86, 0.82, 1],
        )  # fmt: skip
    model, size = spec.compile(), (content.size, content.size)
    videos, poses = folder / name / "Videos", folder / name / "MyPoseFeatures/D3_Positions"
    for path in (videos, poses):
        path.mkdir(parents=True)
    with Stage(model, {camera: one.resized(size) for camera, one in make_human36m_cameras(name).items()}) as stage:
        for action, take in track([(action, take) for action in content.actions for take in TAKES], name, unit="take"):
            motion = person.move(model, subject, Take(content.frames, _RATE, _RIG.arena, seed=take, behaviours=(action,)))
            base = name_files(name, action, take)
            write_cdf(poses / f"{base}.cdf", film_positions(model, motion.qpos, _SITES))
            with ExitStack() as stack:
                paths = {camera: videos / f"{base}.{camera}.mp4" for camera in stage.lenses}
                record(stage, motion, {camera: stack.enter_context(VideoWriter(path, size, _RATE)).write for camera, path in paths.items()})


def write_cdf(path: Path, positions: Float[NDArray, "..."]) -> None:
    """Write (frame, 32, 3) positions as the data set does: the variable ``Pose``, one record of (frame, 96) numbers of 32 bits."""
    values = positions.reshape(1, len(positions), -1).astype(np.float32)
    file = cdflib.cdfwrite.CDF(path)
    about = {"Variable": "Pose", "Data_Type": file.CDF_FLOAT, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(values.shape[1:])}
    file.write_var(about, var_data=values)
    file.close()


def name_files(subject: str, action: str, take: int) -> str:
    """How the names of a take's files begin: in the data set's irregular ways."""
    shorter = {"WalkingTogether": "WalkTogether", **({} if subject == "S1" else {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"})}
    base = shorter.get(action, action)
    return f"{base} 1" if take == 1 else base


def make_human36m_cameras(subject: str) -> dict[str, Camera]:
    """Four cameras around a room, as they stood for a subject; world (mm), z up. Lenses are the same for all subjects.

    Distortion is radial only, so that the data set's formula and OpenCV's are the same.
    """
    lenses, places = np.random.default_rng(361), np.random.default_rng([362, _ALL_SUBJECTS.index(subject)])
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
    _add_row(mapping, ["action", "subaction", *_ALL_SUBJECTS])
    for number, action in enumerate((_ALL[0], *ACTIONS), start=1):
        ElementTree.SubElement(actions, "action").text = action
        for take in TAKES:
            shown = _ALL[1] if action == _ALL[0] else action
            _add_row(mapping, [str(number), str(take), *(name_files(subject, shown, take) for subject in _ALL_SUBJECTS)])
    index = ElementTree.SubElement(ElementTree.SubElement(root, "dbcameras"), "index2id")
    for name in CAMERAS:
        ElementTree.SubElement(index, "id").text = name
    rigs = [make_human36m_cameras(subject) for subject in _ALL_SUBJECTS]
    numbers: list[float] = []
    for camera in (rig[name] for name in CAMERAS for rig in rigs):
        # Three angles, with world to camera = Rx Ry Rz, and the camera's position.
        numbers += [*Rotation.from_matrix(camera.rotation).as_euler("XYZ"), *camera.centre]
    for camera in rigs[0].values():
        k1, k2, p1, p2, k3 = camera.distortion
        numbers += [*camera.matrix[[0, 1], [0, 1]], *camera.matrix[:2, 2], k1, k2, k3, p1, p2]
    ElementTree.SubElement(root, "w0").text = "[" + " ".join(repr(float(number)) for number in numbers) + "]"
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add_row(mapping: ElementTree.Element, cells: list[str]) -> None:
    row = ElementTree.SubElement(mapping, "tr")
    for cell in cells:
        ElementTree.SubElement(row, "td").text = cell
