"""A simulated person in exactly the files of Human3.6M: videos, poses as CDF, ``metadata.xml``. Plumbing is tried with it, not science."""

import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cdflib
import mujoco
import numpy as np
from numpy.typing import NDArray

from bkind3d.config import InputError, SimulatedRig
from bkind3d.data.progress import track
from bkind3d.data.video_writer import VideoWriter
from bkind3d.simulation.filming import film_positions
from bkind3d.simulation.human import Person, build_person
from bkind3d.simulation.human36m_metadata import PUBLISHED, SUBJECTS, TAKES, make_human36m_cameras, name_files, write_human36m_metadata
from bkind3d.simulation.human_motion import ACTIONS, move_person
from bkind3d.simulation.lenses import make_lenses
from bkind3d.simulation.rendering import Renderer
from bkind3d.simulation.scenes import add_arena
from bkind3d.study.folders import folder_when_complete

log = logging.getLogger(__name__)

_RATE = 50.0
_LEAST_FRAMES, _LEAST_SIZE = 2, 64
#: Diameter (mm) of the place where the person moves.
_ARENA = 4000.0
_MARK = """SIMULATED
The person in these files is rendered (bkind3d simulate). They have the layout of Human3.6M and nothing of its content:
they show that importers, splits and tables work, and say nothing about people.
"""
#: The data set's 32 joints: the 17 that count, and for the others what they repeat or end in.
_SITES = (
    "Pelvis", "RHip", "RKnee", "RAnkle", "RToes", "RToes", "LHip", "LKnee", "LAnkle", "LToes", "LToes",
    "Pelvis", "Spine", "Thorax", "Nose", "Head",
    "Thorax", "LShoulder", "LElbow", "LWrist", "LWrist", "LHand", "LWrist", "LHand",
    "Thorax", "RShoulder", "RElbow", "RWrist", "RWrist", "RHand", "RWrist", "RHand",
)  # fmt: skip


@dataclass(frozen=True)
class StandIn:
    """What is rendered: who, doing what, for how many frames of how many pixels (a side)."""

    subjects: tuple[str, ...]
    actions: tuple[str, ...]
    frames: int
    size: int


def make_stand_in(subjects: Sequence[str] | None, actions: Sequence[str] | None, frames: int, size: int) -> StandIn:
    """Check what is to be rendered; None means all of the data set's.

    Raises
    ------
    InputError : where the data set has no such subject or action, or the numbers cannot be rendered.
    """
    for option, given, known in (("--subjects", subjects, PUBLISHED), ("--actions", actions, tuple(ACTIONS))):
        stray = [name for name in given or () if name not in known]
        if stray:
            raise InputError(f"{option}: {stray[0]!r} is not in the data set; it has {', '.join(known)}")
    if frames < _LEAST_FRAMES:
        raise InputError(f"--frames: {frames} is too short for a take; give at least {_LEAST_FRAMES}")
    if size < _LEAST_SIZE or size % 2:
        raise InputError(f"--size: {size} cannot be filmed; give an even number from {_LEAST_SIZE} on")
    return StandIn(tuple(dict.fromkeys(subjects or PUBLISHED)), tuple(dict.fromkeys(actions or ACTIONS)), frames, size)


def simulate_human36m(content: StandIn, output: Path, workers: int = 1) -> None:
    """Write the archive to `output`, which is there when all of it is.

    Pictures are smaller than the data set's own; ``metadata.xml`` is for the data set's sizes, as its readers expect.
    """
    with folder_when_complete(output) as folder:
        (folder / "SIMULATED.txt").write_text(_MARK, encoding="utf-8")
        write_human36m_metadata(folder / "metadata.xml")
        jobs = [(content, subject, folder) for subject in content.subjects]
        if workers == 1 or len(jobs) == 1:
            for job in jobs:
                film_subject(*job)
        else:
            with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=multiprocessing.get_context("spawn")) as pool:
                list(pool.map(film_subject, *zip(*jobs, strict=True)))
    log.info("%s: %d takes", output, len(content.subjects) * len(content.actions) * len(TAKES))


def film_subject(content: StandIn, subject: str, folder: Path) -> None:
    """Film all takes of a subject."""
    number = SUBJECTS.index(subject)
    person = Person(number, 1.0 + 0.02 * (number % 6))
    spec = build_person(person)
    add_arena(spec, SimulatedRig(arena=_ARENA, seed=7))
    _add_walls(spec)
    model, size = spec.compile(), (content.size, content.size)
    cameras = {name: camera.resized(size) for name, camera in make_human36m_cameras(subject).items()}
    lenses, data = make_lenses(cameras), mujoco.MjData(model)
    for name in ("Videos", "MyPoseFeatures/D3_Positions"):
        (folder / subject / name).mkdir(parents=True)
    with Renderer(model, next(iter(lenses.values())).pinhole.size) as renderer:
        for lens in lenses.values():
            renderer.keep_background(data, lens.pinhole)
        takes = [(action, take) for action in content.actions for take in TAKES]
        for action, take in track(takes, subject, unit="take"):
            qpos, stool = move_person(model, person, action, take, content.frames, _RATE)
            name = name_files(subject, action, take)
            write_cdf(folder / subject / "MyPoseFeatures/D3_Positions" / f"{name}.cdf", film_positions(model, qpos, _SITES))
            with ExitStack() as stack:
                writers = {
                    camera: stack.enter_context(VideoWriter(folder / subject / "Videos" / f"{name}.{camera}.mp4", size, _RATE))
                    for camera in lenses
                }
                for state in qpos:
                    data.qpos[:], data.mocap_pos[0] = state, stool
                    renderer.update(data)
                    for camera, lens in lenses.items():
                        writers[camera].write(lens.bend(renderer.render_moving(lens.pinhole)))


def write_cdf(path: Path, positions: NDArray[np.float64]) -> None:
    """Write (frame, 32, 3) positions as the data set does: the variable ``Pose``, one record of (frame, 96) numbers of 32 bits."""
    values = positions.reshape(1, len(positions), -1).astype(np.float32)
    file = cdflib.cdfwrite.CDF(path)
    file.write_var(
        {"Variable": "Pose", "Data_Type": file.CDF_FLOAT, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(values.shape[1:])},
        var_data=values,
    )
    file.close()


def _add_walls(spec: mujoco.MjSpec) -> None:
    """Four walls behind the cameras."""
    for index in range(4):
        angle = index * np.pi / 2
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.05, 8, 2.5], pos=[7.5 * np.cos(angle), 7.5 * np.sin(angle), 2.4],
            quat=[np.cos(angle / 2), 0, 0, np.sin(angle / 2)], rgba=[0.8 + 0.04 * index, 0.86, 0.82, 1],
        )  # fmt: skip
