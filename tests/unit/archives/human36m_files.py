"""An archive in Human3.6M's layouts: cameras, poses as CDF, and files that stand for videos."""

from pathlib import Path
from xml.etree import ElementTree

import cdflib
import numpy as np

from tests.unit.calibration.formats.test_human36m import NAMES, write_metadata

SUBJECTS = ["S1", "S5", "S6", "S7", "S8", "S9", "S11"]
#: The names of files differ between subjects, and one of the data set's actions is the recording of everything.
ACTIONS = ["Miscellaneous", "Directions", "Greeting", "TakingPhoto"]


def name_file(subject: str, action: str, take: int) -> str:
    base = {"Miscellaneous": "_ALL", "TakingPhoto": "Photo" if subject != "S1" else "TakingPhoto"}.get(action, action)
    return base if take == 2 else f"{base} 1"


def write_takes(path: Path) -> Path:
    """Add the tables of takes and actions to a metadata.xml."""
    root = ElementTree.parse(write_metadata(path)).getroot()
    mapping, actions = ElementTree.SubElement(root, "mapping"), ElementTree.SubElement(root, "actionnames")
    rows = [["", "", *SUBJECTS]]
    for number, action in enumerate(ACTIONS, start=1):
        ElementTree.SubElement(actions, "action").text = action
        rows += [[str(number), str(take), *(name_file(subject, action, take) for subject in SUBJECTS)] for take in (1, 2)]
    for cells in rows:
        row = ElementTree.SubElement(mapping, "tr")
        for cell in cells:
            ElementTree.SubElement(row, "td").text = cell
    ElementTree.ElementTree(root).write(path)
    return path


def make_poses(subject: str, action: str, take: int, n_frames: int = 5) -> np.ndarray:
    """(frame, 32, 3) numbers that say whose joint they are of."""
    seed = [SUBJECTS.index(subject), ACTIONS.index(action), take]
    return np.random.default_rng(seed).uniform(-2000, 2000, (n_frames, 32, 3)).astype(np.float32)


def write_poses(path: Path, poses: np.ndarray, variable: str = "Pose") -> None:
    """Write poses as the data set does: one record of (frame, 96)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = poses.reshape(1, len(poses), -1)
    file = cdflib.cdfwrite.CDF(path, delete=True)
    spec = {"Variable": variable, "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(values.shape[1:])}
    file.write_var(spec, var_data=values)
    file.close()


def write_archive(
    folder: Path, subjects: tuple[str, ...] = ("S1", "S9"), poses: str = "MyPoseFeatures/D3_Positions", root: str = ""
) -> Path:
    """Write an archive with all takes of `subjects`."""
    folder.mkdir()
    write_takes(folder / "metadata.xml")
    for subject in subjects:
        for action in ACTIONS:
            for take in (1, 2):
                name = name_file(subject, action, take)
                write_poses(folder / root / subject / poses / f"{name}.cdf", make_poses(subject, action, take))
                for camera in NAMES:
                    path = folder / root / subject / "Videos" / f"{name}.{camera}.mp4"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(b"video")
    return folder
