"""Human3.6M as it is handed out, or as h36m-fetch extracts it: its takes, their videos and poses, and what is known to be damaged."""

import csv
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cdflib
import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.archives.studies import Archive, ImportedSession
from bkind3d.calibration.formats.reading import read_given_cameras, read_xml
from bkind3d.config import InputError
from bkind3d.data.apart import read_apart
from bkind3d.data.joint_files import make_joints

log = logging.getLogger(__name__)

#: Frames per second of videos and poses.
RATE = 50.0
#: The 17 joints by their number among the data set's 32, in the order of these numbers; the other 15 repeat them or are
#: ends of hands and feet. L and R are the subject's own sides.
JOINTS = {
    0: "Pelvis", 1: "RHip", 2: "RKnee", 3: "RAnkle", 6: "LHip", 7: "LKnee", 8: "LAnkle", 12: "Spine", 13: "Thorax",
    14: "Nose", 15: "Head", 17: "LShoulder", 18: "LElbow", 19: "LWrist", 25: "RShoulder", 26: "RElbow", 27: "RWrist",
}  # fmt: skip
N_JOINTS = 32
#: Farthest (mm) from the world's origin that anybody can be in that room; what is farther was not read rightly.
_FARTHEST = 1e5
#: Who is learned from and who is judged on, as in the paper. Of the other subjects, the poses were never published.
SPLITS = {"S1": "train", "S5": "train", "S6": "train", "S7": "train", "S8": "train", "S9": "test", "S11": "test"}
#: Where a subject's poses lie, in the original archive and as h36m-fetch extracts them.
POSE_FOLDERS = ("MyPoseFeatures/D3_Positions", "Poses_D3_Positions")
#: How names of files begin that hold all recordings of a subject: action 1, "Miscellaneous".
_ALL = "_ALL"
#: Cameras that 3D needs.
_LEAST_CAMERAS = 2


def read_poses(path: Path) -> Float[NDArray, "frame 17 3"]:
    """Read the 17 joints from a CDF file of ``D3_Positions``; world (mm, z up), one pose per frame of the videos.

    Raises
    ------
    InputError : where the file is damaged or holds something else.
    """
    # The library follows a damaged file's pointers round and round, for as long as it is let.
    return read_apart(_read_poses, path)


def _read_poses(path: Path) -> Float[NDArray, "frame 17 3"]:
    try:
        values = np.asarray(cdflib.CDF(path).varget("Pose"), dtype=np.float64)
    except Exception as error:  # what cdflib's parser happens to stumble over: OSError, ValueError, zlib.error, ...
        raise InputError(
            path, f"cannot be read as CDF ({' '.join(str(error).split())})", "it is truncated or damaged: copy it again"
        ) from None
    if values.size == 0 or values.shape[-1] != 3 * N_JOINTS:
        raise InputError(
            path, f"variable 'Pose' has the shape {values.shape}, expected (1, frames, {3 * N_JOINTS})", "is it a file of D3_Positions?"
        )
    if not (np.abs(values) < _FARTHEST).all():
        raise InputError(path, f"has positions that are no number or beyond {_FARTHEST / 1000:g} m", "it is damaged: copy it again")
    return values.reshape(-1, N_JOINTS, 3)[:, list(JOINTS)]


@dataclass(frozen=True)
class Take:
    """One of the two takes of an action.

    Attributes
    ----------
    name : action and number, as in ``Greeting-2``.
    prefix : how the names of its files begin, which differs between subjects.
    """

    subject: str
    action: str
    number: str
    prefix: str

    @property
    def name(self) -> str:
        return f"{self.action}-{self.number}"


def read_archive(folder: Path, metadata: Path | None = None) -> Archive:
    """Read the takes of all subjects in `folder`, or in its folder ``extracted``; the data set's metadata.xml is in `folder` if not given.

    Raises
    ------
    InputError : where metadata.xml, all videos of a camera, or a subject's poses are not there, or a file is damaged.
    """
    metadata = metadata or folder / "metadata.xml"
    if not metadata.is_file():
        raise InputError(
            metadata,
            "is not there",
            f"it has the cameras and the names of the takes. It comes with the data set's code bundle: copy it to {folder}, or name "
            "it with --metadata",
        )
    root = folder / "extracted" if (folder / "extracted").is_dir() else folder
    subjects = [subject for subject in SPLITS if (root / subject).is_dir()]
    if not subjects:
        raise InputError(root, f"has none of the subjects {', '.join(SPLITS)}", "name the folder that holds them")
    takes, absent = read_takes(metadata), [subject for subject in SPLITS if subject not in subjects]
    rigs = {subject: read_given_cameras(metadata, "human36m", subject)[0] for subject in subjects}
    sessions = (session for subject in subjects for session in _import_subject(root / subject, takes[subject], list(rigs[subject])))
    return Archive("human36m", rigs, "mm", RATE, sessions, f"{', '.join(absent)} not there" if absent else "")


def read_takes(metadata: Path) -> dict[str, list[Take]]:
    """Read the takes of every subject from the metadata.xml, without the recordings of everything (action 1, Miscellaneous)."""
    root = read_xml(metadata)
    rows = [["".join(cell.itertext()).strip() for cell in row] for row in root.findall("mapping/*")]
    actions = ["".join(node.itertext()).strip() for node in root.findall("actionnames/*")]
    if not rows or not actions:
        raise InputError(
            metadata,
            "has no element 'mapping' or 'actionnames', so it is not the metadata.xml of Human3.6M",
            "give a file of this format, or say which it has",
        )
    subjects = rows[0][2:]
    missing = [subject for subject in SPLITS if subject not in subjects]
    if missing:
        raise InputError(metadata, f"subject {missing[0]!r} is not in the first row of element 'mapping'", "is the file damaged?")
    takes: dict[str, list[Take]] = {subject: [] for subject in subjects}
    for action, number, *prefixes in (row for row in rows[1:] if len(row) == len(rows[0])):
        if not action.isdecimal() or not 0 < int(action) <= len(actions):
            continue
        for subject, prefix in zip(subjects, prefixes, strict=True):
            if prefix and not prefix.startswith(_ALL):
                takes[subject].append(Take(subject, actions[int(action) - 1], number, prefix))
    if not all(takes[subject] for subject in SPLITS):
        raise InputError(metadata, "element 'mapping' names no takes", "is the file damaged?")
    return takes


def read_flags() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """What is known to be damaged, by subject and take: (camera, flag); the camera is empty where all of the take is."""
    text = files("bkind3d.archives").joinpath("human36m_damaged.tsv").read_text(encoding="utf-8")
    flags: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        flags.setdefault((row["subject"], row["take"]), []).append((row["camera"], row["flag"]))
    return flags


def _import_subject(folder: Path, takes: list[Take], cameras: list[str]) -> Iterator[ImportedSession]:
    """The sessions of one subject, one after the other, so that one take's poses are in memory at a time."""
    poses = next((folder / name for name in POSE_FOLDERS if (folder / name).is_dir()), None)
    if poses is None:
        raise InputError(folder, f"has neither {' nor '.join(POSE_FOLDERS)}", f"extract Poses_D3_Positions_{folder.name}.tgz there")
    videos = {take: {camera: folder / "Videos" / f"{take.prefix}.{camera}.mp4" for camera in cameras} for take in takes}
    for camera in cameras:
        if not any(paths[camera].is_file() for paths in videos.values()):
            raise InputError(folder / "Videos", f"has no video of camera {camera}", f"extract Videos_{folder.name}.tgz there again")
    for take in takes:
        yield _import_take(take, videos[take], poses / f"{take.prefix}.cdf")


def _import_take(take: Take, videos: dict[str, Path], poses: Path) -> ImportedSession:
    known = read_flags().get((take.subject, take.name), [])
    flags = [f"{flag}_{camera}" if camera else flag for camera, flag in known]
    damaged = {camera for camera, _ in known if camera}
    missing = [camera for camera, path in videos.items() if not path.is_file() and camera not in damaged]
    flags += ["missing_videos"] if len(missing) == len(videos) else [f"missing_video_{camera}" for camera in missing]
    usable = {camera: path for camera, path in videos.items() if path.is_file() and camera not in damaged}
    joints = behaviours = None
    if poses.is_file():
        positions = read_poses(poses)
        frames = np.arange(len(positions))
        joints = make_joints(frames, [*JOINTS.values()], positions).assign(time_s=lambda table: table["frame"] / RATE)
        behaviours = pd.DataFrame({"frame": frames, "behaviour": take.action, "time_s": frames / RATE})
    else:
        flags.append("missing_joints")
    if flags:
        log.warning("%s %s: %s", take.subject, take.name, ", ".join(flags))
    return ImportedSession(
        name=f"{take.subject}_{take.name}",
        subject=take.subject,
        rig=take.subject,
        split=SPLITS[take.subject] if len(usable) >= _LEAST_CAMERAS else "",
        videos=usable,
        joints=joints,
        behaviours=behaviours,
        columns={"action": take.action, "take": take.number, "flag": " ".join(flags)},
        source=f"{take.subject}/{poses.name}",
    )
