"""Simulated rats in exactly the files of Rat7M: videos in several files, cameras and markers as ``.mat``. Plumbing is tried with it, not science."""

import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import scipy.io
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, SimulatedRig, SimulatedSession, SimulatedSubject
from bkind3d.data.progress import track
from bkind3d.data.video_writer import VideoWriter
from bkind3d.geometry.cameras import Camera
from bkind3d.simulation.animals import get_animal
from bkind3d.simulation.filming import build_model, film_positions
from bkind3d.simulation.lenses import make_lenses
from bkind3d.simulation.rendering import Image, Renderer
from bkind3d.simulation.rigs import make_cameras
from bkind3d.study.folders import folder_when_complete

log = logging.getLogger(__name__)

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
#: Frames of each of the data set's files.
CHUNK = 3500
_RATE = 30.0
_COATS = ("hooded", "brown", "grey", "white", "black")
_LEAST_FRAMES, _LEAST_SIZE, _HEIGHT = 10, 64, 0.8
#: Gaps of a marker: how many per second, and how long they are (frames).
_GAPS, _GAP_FRAMES = 0.1, (2, 12)
_MARK = """SIMULATED
The rats in these files are rendered (bkind3d simulate). They have the layout of Rat7M and nothing of its content: they show
that importers, splits and tables work, and say nothing about rats.
"""


@dataclass(frozen=True)
class RatStandIn:
    """What is rendered: which sessions, for how many frames of pictures `size` pixels wide, in files of `chunk` frames."""

    sessions: tuple[str, ...]
    frames: int
    size: int
    chunk: int

    def make_rig(self, rat: int) -> SimulatedRig:
        """The rig that a rat was filmed with."""
        return SimulatedRig(cameras=6, width=self.size, height=round(self.size * _HEIGHT / 2) * 2, rate=_RATE, seed=rat)


def make_rat_stand_in(rats: Sequence[str] | None, frames: int, size: int, chunk: int) -> RatStandIn:
    """Check what is to be rendered; None means all of the data set's rats.

    Raises
    ------
    InputError : where the data set has no such rat, or the numbers cannot be rendered.
    """
    known = list(dict.fromkeys(name.split("-")[0] for name in SESSIONS))
    stray = [rat for rat in rats or () if rat not in known]
    if stray:
        raise InputError(f"--subjects: {stray[0]!r} is not in the data set; it has {', '.join(known)}")
    if frames < _LEAST_FRAMES:
        raise InputError(f"--frames: {frames} is too short for a session; give at least {_LEAST_FRAMES}")
    if size < _LEAST_SIZE or size % 2:
        raise InputError(f"--size: {size} cannot be filmed; give an even number from {_LEAST_SIZE} on")
    if chunk < 1:
        raise InputError(f"--chunk: {chunk} is no length of a file; give at least 1 frame")
    return RatStandIn(tuple(name for name in SESSIONS if name.split("-")[0] in (rats or known)), frames, size, chunk)


def simulate_rat7m(content: RatStandIn, output: Path, workers: int = 1) -> None:
    """Write the archive to `output`, which is there when all of it is."""
    with folder_when_complete(output) as folder:
        (folder / "SIMULATED.txt").write_text(_MARK, encoding="utf-8")
        jobs = [(content, name, folder) for name in content.sessions]
        if workers == 1 or len(jobs) == 1:
            for job in jobs:
                film_rat_session(*job)
        else:
            with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=multiprocessing.get_context("spawn")) as pool:
                list(pool.map(film_rat_session, *zip(*jobs, strict=True)))
    log.info("%s: %d sessions", output, len(content.sessions))


def film_rat_session(content: RatStandIn, name: str, folder: Path) -> None:
    """Film a session with all its cameras, and write its markers."""
    rat, day = (int(part[1:]) for part in name.split("-"))
    rig, subject = content.make_rig(rat), SimulatedSubject(scale=0.92 + 0.04 * rat, coat=_COATS[rat % len(_COATS)], seed=rat)
    animal, model = get_animal(subject.animal), build_model(rig, subject)
    motion = animal.move(model, SimulatedSession(subject="rat", rig="rig", frames=content.frames, seed=10 * rat + day), subject, rig)
    cameras = make_rat7m_cameras(rig)
    filmed = {camera: list_filmed(camera, content.frames) for camera in cameras}
    _film(model, motion.qpos, cameras, filmed, content.chunk, folder / name)
    joints = dict(zip(animal.joints, film_positions(model, motion.qpos, animal.joints).transpose(1, 0, 2), strict=True))
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
    offsets = {
        "Offset1": (joints["SpineF"] + joints["SpineM"]) / 2 + across,
        "Offset2": (joints["SpineM"] + joints["SpineL"]) / 2 - across,
    }
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


class _FileSeries:
    """Writes pictures as videos of `length` frames, each named for the number of its first frame."""

    def __init__(self, stem: Path, size: tuple[int, int], length: int) -> None:
        self._stem, self._size, self._length, self._count, self._stack = stem, size, length, 0, ExitStack()
        self._writer: VideoWriter

    def write(self, picture: Image) -> None:
        if self._count % self._length == 0:
            self._stack.close()
            path = self._stem.with_name(f"{self._stem.name}-{self._count}.mp4")
            self._writer = self._stack.enter_context(VideoWriter(path, self._size, _RATE))
        self._writer.write(picture)
        self._count += 1

    def __enter__(self) -> "_FileSeries":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _film(
    model: mujoco.MjModel,
    qpos: NDArray[np.float64],
    cameras: dict[str, Camera],
    filmed: dict[str, Int[NDArray, "picture"]],
    chunk: int,
    stem: Path,
) -> None:
    lenses, data, shown = make_lenses(cameras), mujoco.MjData(model), {name: set(moments.tolist()) for name, moments in filmed.items()}
    with ExitStack() as stack:
        renderer = stack.enter_context(Renderer(model, next(iter(lenses.values())).pinhole.size))
        series = {}
        for name, lens in lenses.items():
            renderer.keep_background(data, lens.pinhole)
            path = stem.with_name(f"{stem.name}-{name.lower()}")
            series[name] = stack.enter_context(_FileSeries(path, cameras[name].size, chunk))
        for moment, state in enumerate(track(qpos, stem.name, unit="frame")):
            data.qpos[:] = state
            renderer.update(data)
            for name, lens in lenses.items():
                if moment in shown[name]:
                    series[name].write(lens.bend(renderer.render_moving(lens.pinhole)))
