"""Films a scene with all cameras of a rig: videos, and silhouettes as truth. All cores, one GL context per process."""

import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import mujoco
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bkind3d.config import BoardConfig, SimulatedRig, SimulatedSubject
from bkind3d.data.parquet import replaced_when_complete
from bkind3d.data.progress import track
from bkind3d.data.video_writer import VideoWriter
from bkind3d.geometry.cameras import Camera
from bkind3d.simulation.animals import get_animal
from bkind3d.simulation.disturbances import Disturbances, add_bystander, disturb_picture
from bkind3d.simulation.rendering import Renderer
from bkind3d.simulation.scenes import add_arena, make_board_spec

log = logging.getLogger(__name__)

#: A session's silhouettes are kept of every tenth frame: they are truth for tests, and cost a rendering each.
SILHOUETTE_STEP = 10


@dataclass(frozen=True)
class Shot:
    """What is filmed.

    Attributes
    ----------
    rig : where it is filmed.
    content : an animal, or a calibration board.
    states : (frame, nq) generalised positions of an animal's model, or (frame, 7) place and quaternion of a board; metres.
    cameras : those of the rig that film; millimetres.
    folder : gets a file ``{camera}.mp4`` per camera.
    disturbances : of an animal's recording.
    """

    rig: SimulatedRig
    content: SimulatedSubject | BoardConfig
    states: NDArray[np.float64]
    cameras: dict[str, Camera]
    folder: Path
    disturbances: Disturbances = field(default_factory=Disturbances)


def build_model(rig: SimulatedRig, content: SimulatedSubject | BoardConfig, disturbances: Disturbances | None = None) -> mujoco.MjModel:
    """Compile the arena of `rig` with an animal, and what disturbs it, or a board in it (metres)."""
    if isinstance(content, BoardConfig):
        return make_board_spec(rig, content).compile()
    spec = get_animal(content.animal).build_spec(content)
    add_arena(spec, rig, long_shadows=disturbances is not None and disturbances.long_shadows)
    if disturbances is not None and disturbances.bystander is not None:
        add_bystander(spec, disturbances.bystander_height)
    return spec.compile()


def film(shot: Shot, workers: int) -> pd.DataFrame:
    """Film `shot` with up to `workers` processes; return the animal's silhouettes as a table "silhouettes".

    Each camera is rendered and encoded from its first to its last frame by one process, so the files do not depend on
    the number of workers.
    """
    names = list(shot.cameras)
    groups = [names[start::workers] for start in range(min(workers, len(names)))]
    shots = [replace(shot, cameras={name: shot.cameras[name] for name in group}) for group in groups]
    if len(shots) == 1:
        tables = [film_cameras(shots[0], show_progress=True)]
    else:
        with ProcessPoolExecutor(len(shots), mp_context=multiprocessing.get_context("spawn")) as pool:
            # The groups are equal, so the bar of one is the bar of all.
            tables = list(pool.map(film_cameras, shots, [index == 0 for index in range(len(shots))]))
    return pd.concat(tables).sort_values(["frame", "camera"], ignore_index=True)


def film_cameras(shot: Shot, show_progress: bool) -> pd.DataFrame:
    """Film `shot` with all its cameras in this process; see :func:`film`."""
    model = build_model(shot.rig, shot.content, shot.disturbances)
    data, rows = mujoco.MjData(model), []
    size, is_animal = (shot.rig.width, shot.rig.height), isinstance(shot.content, SimulatedSubject)
    with ExitStack() as stack:
        renderer = stack.enter_context(Renderer(model, size))
        writers = {}
        for name, camera in shot.cameras.items():
            renderer.keep_background(data, camera)
            path = stack.enter_context(replaced_when_complete(shot.folder / f"{name}.mp4"))
            writers[name] = stack.enter_context(VideoWriter(path, size, shot.rig.rate))
        for frame, state in enumerate(track(shot.states, shot.folder.name, unit="frame") if show_progress else shot.states):
            if is_animal:
                data.qpos[:] = state
                if shot.disturbances.bystander is not None:
                    data.mocap_pos[0] = shot.disturbances.bystander[frame]
            else:
                data.mocap_pos[0], data.mocap_quat[0] = state[:3], state[3:]
            renderer.update(data)
            for name, camera in shot.cameras.items():
                writers[name].write(disturb_picture(renderer.render_moving(camera), frame, name, shot.disturbances))
                if is_animal and frame % SILHOUETTE_STEP == 0:
                    rows.append((frame, name, encode_png(renderer.render_silhouette(camera))))
    return pd.DataFrame(rows, columns=["frame", "camera", "mask"])


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """PNG file of a grey picture."""
    return bytes(cv2.imencode(".png", picture)[1])


def film_positions(model: mujoco.MjModel, qpos: NDArray[np.float64], sites: Sequence[str]) -> NDArray[np.float64]:
    """(frame, site, 3) where `sites` are in each frame, world (mm)."""
    data = mujoco.MjData(model)
    ids = [model.site(name).id for name in sites]
    positions = np.empty((len(qpos), len(ids), 3))
    for frame, state in enumerate(qpos):
        data.qpos[:] = state
        mujoco.mj_kinematics(model, data)
        positions[frame] = 1000 * data.site_xpos[ids]
    return positions
