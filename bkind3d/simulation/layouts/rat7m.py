"""Simulated rats in exactly the files of Rat7M: videos in several files, cameras and markers as ``.mat``. Plumbing is tried with it, not science."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import SimulatedRig, SimulatedSubject
from bkind3d.data.video_writer import VideoWriter
from bkind3d.geometry.cameras import Camera
from bkind3d.simulation.animals import Take, get_animal
from bkind3d.simulation.filming import Stage, build_model, film_positions, record, share_out
from bkind3d.simulation.floors import Image
from bkind3d.simulation.layouts.writing import Content
from bkind3d.simulation.rigs import make_cameras

#: The data set's sessions: rat and day.
SESSIONS = ("s1-d1", "s2-d1", "s2-d2", "s3-d1", "s4-d1", "s5-d1", "s5-d2")
#: The data set's markers, in its order.
MARKERS = (
    "HeadF", "HeadB", "HeadL", "SpineF", "SpineM", "SpineL", "Offset1", "Offset2", "HipL", "HipR", "ElbowL", "ArmL", "ShoulderL",
    "ShoulderR", "ElbowR", "ArmR", "KneeR", "KneeL", "ShinL", "ShinR",
)  # fmt: skip
#: The order of the cameras in the data set's files, which is not that of their numbers.
_FILE_ORDER = ("Camera1", "Camera2", "Camera4", "Camera5", "Camera3", "Camera6")
#: This camera begins so many frames late, and that one drops the frame in the middle, so that frame maps matter.
_LATE, _DROPS = ("Camera4", 2), "Camera6"
#: Rats; frames of each of the data set's files; the fewest frames and the smallest pictures.
SUBJECTS, ACTIONS, CHUNK, LEAST = tuple(dict.fromkeys(name.split("-")[0] for name in SESSIONS)), (), 3500, (10, 80)
IMITATES = "Rat7M"
_RATE = 30.0
_COATS = ("hooded", "brown", "grey", "white", "black")
#: Gaps of a marker: how many per second, and how long they are (frames).
_GAPS, _GAP_FRAMES = 0.1, (2, 12)


def write(content: Content, folder: Path, workers: int) -> int:
    """Write the archive: all sessions of the chosen rats."""
    sessions = [name for name in SESSIONS if name.split("-")[0] in content.subjects]
    share_out(film_rat_session, [(content, name, folder) for name in sessions], workers)
    return len(sessions)


def make_rig(content: Content, rat: int) -> SimulatedRig:
    """The rig that a rat was filmed with."""
    width, height = content.shape
    return SimulatedRig(cameras=6, width=width, height=height, rate=_RATE, seed=rat)


def film_rat_session(content: Content, name: str, folder: Path) -> None:
    """Film a session with all its cameras, and write its markers."""
    rat, day = (int(part[1:]) for part in name.split("-"))
    rig = make_rig(content, rat)
    subject = SimulatedSubject.model_validate({"scale": 0.92 + 0.04 * rat, "coat": _COATS[rat % len(_COATS)], "seed": rat})
    animal, model, cameras = get_animal(subject.animal), build_model(rig, subject), make_rat7m_cameras(rig)
    motion = animal.move(model, subject, Take(content.frames, rig.rate, rig.arena, seed=10 * rat + day))
    filmed = {camera: list_filmed(camera, content.frames) for camera in cameras}
    with ExitStack() as stack:
        stage = stack.enter_context(Stage(model, cameras))
        series = {
            camera: stack.enter_context(_FileSeries(folder / f"{name}-{camera.lower()}", content, set(moments.tolist()))).write
            for camera, moments in filmed.items()
        }
        record(stage, motion, series)
    joints = dict(zip(animal.JOINTS, film_positions(model, motion.qpos, animal.JOINTS).transpose(1, 0, 2), strict=True))
    markers = lose_markers(np.random.default_rng([rat, day, 41]), place_markers(joints))
    write_mat(folder / f"mocap-{name}.mat", cameras, filmed, markers[_LATE[1] :])


def make_rat7m_cameras(rig: SimulatedRig) -> dict[str, Camera]:
    """The cameras of a rig under the data set's names, through lenses that distort by a few pixels."""
    rng = np.random.default_rng([rig.seed, 43])
    cameras = {}
    for number, camera in enumerate(make_cameras(rig).values(), start=1):
        distortion = np.array([rng.uniform(-0.12, -0.06), rng.uniform(0, 0.03), *rng.uniform(-0.002, 0.002, 2), 0.0])
        cameras[f"Camera{number}"] = replace(camera, name=f"Camera{number}", distortion=distortion)
    return cameras


def list_filmed(camera: str, n_frames: int) -> Int[NDArray, "picture"]:
    """The moments that a camera's video shows."""
    moments = np.arange(_LATE[1] if camera == _LATE[0] else 0, n_frames)
    return moments[moments != n_frames // 2] if camera == _DROPS else moments


def place_markers(joints: dict[str, Float[NDArray, "frame 3"]]) -> Float[NDArray, "frame 20 3"]:
    """The data set's markers (mm). Two that are stuck on the back beside the spine are not among the simulation's joints."""
    across = 0.25 * (joints["HipL"] - joints["HipR"])
    offsets = {"Offset1": (joints["SpineF"] + joints["SpineM"]) / 2 + across, "Offset2": (joints["SpineM"] + joints["SpineL"]) / 2 - across}
    return np.stack([{**joints, **offsets}[name] for name in MARKERS], axis=1)


def lose_markers(rng: np.random.Generator, markers: Float[NDArray, "frame 20 3"]) -> Float[NDArray, "frame 20 3"]:
    """The markers with gaps (NaN), as where a paw hides one for a moment."""
    lost = markers.copy()
    for marker in range(markers.shape[1]):
        for begin in rng.integers(0, len(markers), rng.poisson(_GAPS / _RATE * len(markers))):
            lost[begin : begin + rng.integers(*_GAP_FRAMES), marker] = np.nan
    return lost


def write_mat(
    path: Path, cameras: dict[str, Camera], filmed: dict[str, Int[NDArray, "picture"]], markers: Float[NDArray, "sample 20 3"]
) -> None:
    """Write a session's file; samples begin when all cameras film. MATLAB's conventions: row vectors, first pixel (1, 1), frames from 0."""
    samples = _LATE[1] + np.arange(len(markers))
    described: dict[str, dict[str, Any]] = {}
    for name in _FILE_ORDER:
        camera, (k1, k2, p1, p2, _) = cameras[name], cameras[name].distortion
        described[name] = {
            # A sample whose frame was dropped is shown by the frame before.
            "frame": (np.searchsorted(filmed[name], samples, side="right") - 1.0)[None],
            "IntrinsicMatrix": (camera.matrix + np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])).T,
            "rotationMatrix": camera.rotation.T,
            "translationVector": camera.translation[None],
            "RadialDistortion": np.array([[k1, k2]]),
            "TangentialDistortion": np.array([[p1, p2]]),
        }
    scipy.io.savemat(path, {"cameras": described, "mocap": {name: markers[:, index] for index, name in enumerate(MARKERS)}})


class _FileSeries(ExitStack):
    """Writes the pictures of some moments as videos of some frames, each named for the number of its first frame."""

    def __init__(self, stem: Path, content: Content, shown: set[int]) -> None:
        super().__init__()
        self._stem, self._content, self._shown, self._moment, self._count = stem, content, shown, -1, 0
        self._writer: VideoWriter

    def write(self, picture: Image) -> None:
        """Take the picture of the next moment."""
        self._moment += 1
        if self._moment not in self._shown:
            return
        if self._count % self._content.chunk == 0:
            self.close()
            path = self._stem.with_name(f"{self._stem.name}-{self._count}.mp4")
            self._writer = self.enter_context(VideoWriter(path, self._content.shape, _RATE))
        self._writer.write(picture)
        self._count += 1
