"""Films a scene with all cameras of a rig: videos, and silhouettes as truth. All cores, one GL context per process."""

import multiprocessing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import cv2
import mujoco
import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bkind3d.config import BoardConfig, SimulatedRig, SimulatedSubject
from bkind3d.data.progress import track
from bkind3d.data.video_writer import VideoWriter
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.cameras import Camera
from bkind3d.simulation.animals import Motion, get_animal
from bkind3d.simulation.disturbances import Disturbances, add_bystander, disturb_picture
from bkind3d.simulation.floors import Image
from bkind3d.simulation.lenses import make_lenses
from bkind3d.simulation.rendering import Renderer
from bkind3d.simulation.scenes import add_arena, make_board_spec

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shot:
    """What is filmed.

    Attributes
    ----------
    rig : where it is filmed.
    content : an animal, or a calibration board.
    motion : what moves.
    cameras : those of the rig that film; millimetres.
    folder : gets a file ``{camera}.mp4`` per camera.
    disturbances : of an animal's recording.
    silhouette_step : silhouettes are kept of every so many frames; each costs a rendering. 0 for none.
    """

    rig: SimulatedRig
    content: SimulatedSubject | BoardConfig
    motion: Motion
    cameras: dict[str, Camera]
    folder: Path
    disturbances: Disturbances = field(default_factory=Disturbances)
    silhouette_step: int = 0


class Stage(Renderer):
    """A scene before its cameras, whose lenses may distort.

    Parameters
    ----------
    model : the compiled scene; metres.
    cameras : by name; millimetres. Their pictures are of one size.
    """

    def __init__(self, model: mujoco.MjModel, cameras: Mapping[str, Camera]) -> None:
        self.lenses, self._data = make_lenses(cameras), mujoco.MjData(model)
        super().__init__(model, next(iter(self.lenses.values())).pinhole.size)
        for lens in self.lenses.values():
            self.keep_background(self._data, lens.pinhole)

    def play(self, motion: Motion) -> Iterator[int]:
        """Let one frame after the other happen, for :meth:`photograph`."""
        for frame, state in enumerate(motion.qpos):
            self._data.qpos[:] = state
            for name, places in motion.places.items():
                body = self._model.body(name).mocapid[0]
                self._data.mocap_pos[body] = places[frame, :3]
                if places.shape[1] > 3:
                    self._data.mocap_quat[body] = places[frame, 3:]
            self.update(self._data)
            yield frame

    def photograph(self, camera: str) -> Image:
        """(height, width, 3) RGB picture of the frame by a camera."""
        lens = self.lenses[camera]
        return lens.bend(self.render_moving(lens.pinhole))

    def outline(self, camera: str) -> Image:
        """(height, width) 255 where a camera sees the subject, else 0."""
        lens = self.lenses[camera]
        return np.where(lens.bend(self.render_silhouette(lens.pinhole)) >= 128, 255, 0).astype(np.uint8)


def record(stage: Stage, motion: Motion, write: Mapping[str, Callable[[Image], None]]) -> None:
    """Let `motion` happen on the `stage`, and pass on what each camera sees of it."""
    for _ in stage.play(motion):
        for camera, take in write.items():
            take(stage.photograph(camera))


def build_model(rig: SimulatedRig, content: SimulatedSubject | BoardConfig, disturbances: Disturbances | None = None) -> mujoco.MjModel:
    """Compile the arena of `rig` with an animal, and what disturbs it, or a board in it (metres)."""
    if isinstance(content, BoardConfig):
        return make_board_spec(rig, content).compile()
    spec = get_animal(content.animal).build_spec(content)
    add_arena(spec, rig, long_shadows=disturbances is not None and disturbances.long_shadows)
    if disturbances is not None and disturbances.bystander is not None:
        add_bystander(spec, disturbances.bystander_height)
    return spec.compile()


def share_out(work: Callable[..., Result], jobs: Sequence[Iterable[Any]], workers: int) -> list[Result]:
    """Call `work` with the arguments of each of the `jobs`, in up to `workers` processes; a single one stays in this process."""
    if workers == 1 or len(jobs) == 1:
        return [work(*job) for job in jobs]
    # Not forked: a GL context belongs to its process.
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, *zip(*jobs, strict=True)))


def film(shot: Shot, workers: int) -> pd.DataFrame:
    """Film `shot` with up to `workers` processes; return the animal's silhouettes as a table "silhouettes".

    Each camera is rendered and encoded from its first to its last frame by one process, so the files do not depend on
    the number of workers.
    """
    names = list(shot.cameras)
    groups = [names[start::workers] for start in range(min(workers, len(names)))]
    # The groups are equal, so the bar of one is the bar of all.
    jobs = [(replace(shot, cameras={name: shot.cameras[name] for name in group}), group is groups[0]) for group in groups]
    return pd.concat(share_out(film_cameras, jobs, workers)).sort_values(["frame", "camera"], ignore_index=True)


def film_cameras(shot: Shot, show_progress: bool) -> pd.DataFrame:
    """Film `shot` with all its cameras in this process; see :func:`film`."""
    model, rows = build_model(shot.rig, shot.content, shot.disturbances), []
    size = (shot.rig.width, shot.rig.height)
    with ExitStack() as stack:
        stage, writers = stack.enter_context(Stage(model, shot.cameras)), {}
        for name in shot.cameras:
            path = stack.enter_context(replaced_when_complete(shot.folder / f"{name}.mp4"))
            writers[name] = stack.enter_context(VideoWriter(path, size, shot.rig.rate))
        frames = stage.play(shot.motion)
        for frame in track(frames, shot.folder.name, unit="frame", total=len(shot.motion.qpos)) if show_progress else frames:
            for name, writer in writers.items():
                writer.write(disturb_picture(stage.photograph(name), frame, name, shot.disturbances))
                if shot.silhouette_step and frame % shot.silhouette_step == 0:
                    rows.append((frame, name, bytes(cv2.imencode(".png", stage.outline(name))[1])))
    return pd.DataFrame(rows, columns=["frame", "camera", "mask"])


def film_positions(model: mujoco.MjModel, qpos: Float[NDArray, "..."], sites: Collection[str]) -> Float[NDArray, "frame site 3"]:
    """(frame, site, 3) where `sites` are in each frame, world (mm)."""
    data = mujoco.MjData(model)
    ids = [model.site(name).id for name in sites]
    positions = np.empty((len(qpos), len(ids), 3))
    for frame, state in enumerate(qpos):
        data.qpos[:] = state
        mujoco.mj_kinematics(model, data)
        positions[frame] = 1000 * data.site_xpos[ids]
    return positions


def find_headings(qpos: Float[NDArray, "..."], front: tuple[float, float, float]) -> Float[NDArray, "frame"]:
    """(frame,) angle (radians, anticlockwise from the world's x axis as seen from above) of the `front` of the root's body."""
    ahead = Rotation.from_quat(qpos[:, 3:7], scalar_first=True).apply(front)
    return np.asarray(np.arctan2(ahead[:, 1], ahead[:, 0]))
