"""Simulated sessions and calibration recordings: their videos, and the truth beside them (world mm, z up).

The same seeds give the same decoded videos and the same truth, whatever the number of workers. Another version of
MuJoCo, Mesa (or another graphics driver) may round pixels differently; another libx264 may write other bytes.
"""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pandas as pd

from bkind3d.config import BoardConfig, InputError, SimulationConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.joint_files import make_joints
from bkind3d.data.parquet import write_table
from bkind3d.simulation.animals import Motion, Take, get_animal
from bkind3d.simulation.disturbances import plan_disturbances
from bkind3d.simulation.filming import Shot, build_model, film, film_positions, find_headings
from bkind3d.simulation.measured import follow_motion
from bkind3d.simulation.rigs import make_cameras, pose_board


def simulate_session(config: SimulationConfig, name: str, recordings: Path, truth: Path, workers: int) -> None:
    """Render a session's videos to ``recordings/{name}`` and write its truth to ``truth/{name}``.

    The truth is ``joints.parquet``, ``behaviours.parquet``, ``silhouettes.parquet`` (of the size of the videos) and ``poses.parquet``: the
    mean of the joints and the heading.
    """
    if name not in config.sessions:
        raise InputError("simulation.sessions", f"no session {name!r}", f"there are {sorted(config.sessions)}")
    session = config.sessions[name]
    rig, subject = config.rigs[session.rig], config.subjects[session.subject]
    animal, cameras, model = get_animal(subject.animal), make_cameras(rig), build_model(rig, subject)
    unknown = [behaviour for behaviour in session.behaviours if behaviour not in animal.BEHAVIOURS]
    if unknown:
        raise InputError(
            f"simulation.sessions.{name}.behaviours",
            f"a {subject.animal} knows no {unknown[0]!r}",
            f"it knows {', '.join(animal.BEHAVIOURS)}",
        )
    # Who is twice as fast does in a frame what would else take two.
    rate, resting = rig.rate / session.pace, session.rest_seconds * session.pace
    take = Take(session.frames, rate, rig.arena, session.seed, session.behaviours, resting, session.rest)
    motion = follow_motion(Path(session.motion), animal, model, take) if session.motion else animal.move(model, subject, take)
    positions = film_positions(model, motion.qpos, animal.JOINTS)
    disturbances = plan_disturbances(session, rig, list(cameras))
    if disturbances.bystander is not None:
        motion = replace(motion, places={**motion.places, "bystander": disturbances.bystander})
    silhouettes = film(Shot(rig, subject, motion, cameras, recordings / name, disturbances, session.silhouette_step), workers)
    frames, centres = np.arange(len(positions)), dict(zip("xyz", positions.mean(axis=1).T, strict=True))
    joints = make_joints(frames, animal.JOINTS, positions)
    behaviours = pd.DataFrame({"frame": frames, "behaviour": motion.behaviours})
    poses = pd.DataFrame({"frame": frames, **centres, "heading": find_headings(motion.qpos, animal.FRONT)})
    for kind, table in {"joints": joints, "behaviours": behaviours, "silhouettes": silhouettes, "poses": poses}.items():
        write_table(table, kind, truth / name / f"{kind}.parquet", {"units": "mm", "rate": rig.rate, "subject": session.subject})


def simulate_board(
    config: SimulationConfig, boards: dict[str, BoardConfig], name: str, recordings: Path, truth: Path, workers: int
) -> None:
    """Render the board videos of rig `name` to ``recordings/{name}_board``; write ``truth/{name}/calibration.toml``."""
    if name not in config.rigs:
        raise InputError("simulation.rigs", f"no rig {name!r}", f"there are {sorted(config.rigs)}")
    rig = config.rigs[name]
    if rig.board not in boards:
        raise InputError(f"simulation.rigs.{name}.board", f"no board {rig.board!r}", f"there are {sorted(boards)}")
    board, cameras = boards[rig.board], make_cameras(rig)
    places = np.zeros((rig.board_frames, 7))
    for place, pose in zip(places, pose_board(rig, board, cameras), strict=True):
        place[:3] = pose.translation / 1000
        mujoco.mju_mat2Quat(place[3:], pose.rotation.ravel())
    motion = Motion(np.zeros((rig.board_frames, 0)), places={"board": places})
    film(Shot(rig, board, motion, cameras, recordings / f"{name}_board"), workers)
    (truth / name).mkdir(parents=True, exist_ok=True)
    write_calibration(cameras, truth / name / "calibration.toml", "mm", {"source": "simulation"})
