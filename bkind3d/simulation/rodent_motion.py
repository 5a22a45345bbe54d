"""How the rat moves as planned: the trunk is posed, the paws step, the joints of the limbs follow.

Footfalls (:mod:`bkind3d.simulation.limbs`) are planned from the path, so that paws on the floor stay where they are.
"""

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import SimulatedRig, SimulatedSession, SimulatedSubject
from bkind3d.simulation.animals import Motion
from bkind3d.simulation.limbs import Limb, find_lowest, find_swings, make_limb, place_paw, solve_limbs
from bkind3d.simulation.rodent_plan import BEHAVIOURS, Plan, plan_motion

Array = NDArray[np.float64]

#: Joints that share a channel of the posture, with the sign in which they take it.
TRUNK: dict[str, tuple[tuple[str, float], ...]] = {
    "flex": (("vertebra_1_extend", -1), ("vertebra_4_extend", -1)),
    "bend": (("vertebra_2_bend", -1), ("vertebra_5_bend", -1)),
    "neck_down": (("vertebra_cervical_5_extend", 1), ("vertebra_cervical_2_extend", 1), ("vertebra_atlant_extend", 1)),
    "neck_yaw": (("vertebra_cervical_4_bend", 1), ("vertebra_cervical_1_bend", 1)),
    "neck_tilt": (("vertebra_cervical_3_twist", 1), ("vertebra_axis_twist", 1)),
}


def pose_trunk(model: mujoco.MjModel, data: mujoco.MjData, plan: Plan, frame: int, scale: float) -> None:
    """Set root and trunk of `data` so that the pelvis is where the plan has it."""
    posture = {name: values[frame] for name, values in plan.posture.items()}
    for channel, joints in TRUNK.items():
        for name, sign in joints:
            joint = model.joint(name)
            data.qpos[joint.qposadr[0]] = np.clip(sign * posture[channel] / len(joints), *joint.range)
    data.joint("mandible").qpos = -0.28
    data.qpos[:7] = [0, 0, 0, 1, 0, 0, 0]
    mujoco.mj_kinematics(model, data)
    turn, lean, orientation, root, inverse = (np.zeros(4) for _ in range(5))
    mujoco.mju_axisAngle2Quat(turn, np.array([0.0, 0.0, 1.0]), plan.yaw[frame])
    mujoco.mju_axisAngle2Quat(lean, np.array([0.0, 1.0, 0.0]), -posture["pitch"])
    mujoco.mju_mulQuat(orientation, turn, lean)
    mujoco.mju_negQuat(inverse, data.body("pelvis").xquat)
    mujoco.mju_mulQuat(root, orientation, inverse)
    shift = np.zeros(3)
    mujoco.mju_rotVecQuat(shift, data.body("pelvis").xpos, root)
    back = scale * posture["back"]
    pelvis = [plan.x[frame] - back * np.cos(plan.yaw[frame]), plan.y[frame] - back * np.sin(plan.yaw[frame]), scale * posture["height"]]
    data.qpos[:3], data.qpos[3:7] = pelvis - shift, root


#: Paws: when they are lifted (share of a stride; a lateral sequence), the side (left positive), whether in front.
PAWS = {"hind_L": (0.0, 1, False), "fore_L": (0.75, 1, True), "hind_R": (0.5, -1, False), "fore_R": (0.25, -1, True)}


def make_limbs(model: mujoco.MjModel, scale: float) -> list[Limb]:
    """The four legs, in the order of :data:`PAWS`, and the tail."""
    limbs = []
    for paw in PAWS:
        kind, side = paw.split("_")
        if kind == "hind":
            joints = [f"hip_{side}_{name}" for name in ("supinate", "abduct", "extend")] + [f"{name}_{side}" for name in ("knee", "ankle", "toe")]
            tip = scale * np.array([0.014, 0.003 if side == "L" else -0.003, 0])
            points = [(f"toe_{side}", (0, 0, 0), (1, 1, 1)), (f"foot_{side}", (0, 0, 0), (0.3, 0.3, 0.5)), (f"toe_{side}", tip, (0, 0, 0.4))]
        else:
            joints = [f"scapula_{side}_{name}" for name in ("supinate", "abduct", "extend")]
            joints += [f"{name}_{side}" for name in ("shoulder", "shoulder_sup", "elbow", "wrist", "finger")]
            tip = scale * np.array([0.009, 0.003 if side == "L" else -0.003, 0])
            points = [(f"finger_{side}", (0, 0, 0), (1, 1, 1)), (f"hand_{side}", (0, 0, 0), (0.1, 0.1, 0.3)), (f"finger_{side}", tip, (0, 0, 0.3))]
        limbs.append(make_limb(model, joints, points))
    tail = [name for name in (model.joint(index).name for index in range(model.njnt)) if name.startswith("vertebra_C") and "extend" in name]
    limbs.append(make_limb(model, tail, [(f"vertebra_C{number}", (0, 0, 0), (0, 0, 0.5)) for number in (9, 15, 22, 30)]))
    return limbs


def move_rodent(model: mujoco.MjModel, session: SimulatedSession, subject: SimulatedSubject, rig: SimulatedRig) -> Motion:
    """Move the rat: behaviours, path and posture first, then footfalls, then the joints of the limbs."""
    plan, scale = plan_motion(session, subject, rig), subject.scale
    data, limbs, rest = mujoco.MjData(model), make_limbs(model, scale), model.qpos0.copy()
    rest[limbs[-1].qpos[:7]] = 0.2  # a raised root of the tail: a sitting rat's would else be curled under it
    n_frames = session.frames
    homes = {paw: np.zeros((n_frames, 2)) for paw in PAWS}
    for frame in range(n_frames):
        pose_trunk(model, data, plan, frame, scale)
        mujoco.mj_kinematics(model, data)
        for paw, (_, side, fore) in PAWS.items():
            homes[paw][frame] = find_home(data, plan, frame, side, fore, scale)
    paths = []
    for paw, (offset, _, fore) in PAWS.items():
        held = plan.posture["air"] > 0.5 if fore else np.zeros(n_frames, bool)
        paths.append(place_paw(homes[paw], find_swings(plan.phase, offset, rig.rate, held), (0.014 if fore else 0.012) * scale))
    qpos, lowest = np.zeros((n_frames, model.nq)), np.zeros(n_frames)
    paws = np.array([index for index in range(model.ngeom) if model.geom(index).name.startswith(("toe", "foot", "hand", "finger"))])
    data.qpos[:] = rest
    for frame in range(n_frames):
        pose_trunk(model, data, plan, frame, scale)
        mujoco.mj_kinematics(model, data)
        places = [reach(data, plan, frame, paw, path[frame], scale) for paw, path in zip(PAWS, paths, strict=True)]
        swing_tail(model, data, plan, frame)
        places.append(np.array([[0, 0, height * scale] for height in (0.012, 0.005, 0.0045, 0.004)]))
        solve_limbs(model, data, limbs, places, rest, 4 if frame else 60)
        qpos[frame], lowest[frame] = data.qpos, find_lowest(model, data, paws)
    # The joints of a limb may jump between two ways to reach a place; the root's height takes up what they missed.
    qpos[:, 7:] = gaussian_filter1d(qpos[:, 7:], 0.02 * rig.rate, axis=0, mode="nearest")
    qpos[:, 2] -= gaussian_filter1d(np.clip(lowest, -0.004, 0.004), 0.05 * rig.rate, mode="nearest")
    return Motion(qpos, [BEHAVIOURS[label] for label in plan.labels])


def find_home(data: mujoco.MjData, plan: Plan, frame: int, side: int, fore: bool, scale: float) -> Array:
    """(2,) where the paw would stand below the body at this moment."""
    if fore:
        axes = data.body("torso").xmat.reshape(3, 3)
        forward, origin = axes[:2, 0], data.body("torso").xpos[:2]
        leftward = np.array([-forward[1], forward[0]]) / max(np.linalg.norm(forward), 0.1)
        # The lower the shoulders, the further in front of them the bent arm has to stand.
        ahead = 0.042 * scale + np.clip(0.062 * scale - data.body("torso").xpos[2], 0, 0.025 * scale)
        return origin + ahead * forward + side * 0.026 * scale * leftward
    forward = np.array([np.cos(plan.yaw[frame]), np.sin(plan.yaw[frame])])
    return np.array([plan.x[frame], plan.y[frame]]) + scale * (0.004 * forward + side * 0.026 * np.array([-forward[1], forward[0]]))


def reach(data: mujoco.MjData, plan: Plan, frame: int, paw: str, place: Array, scale: float) -> Array:
    """(3, 3) where the points of a leg have to be: toes, heel and their tip, or fingers, wrist and tip (world, m)."""
    _, side, fore = PAWS[paw]
    forward = np.array([np.cos(plan.yaw[frame]), np.sin(plan.yaw[frame]), 0.0])
    if not fore:
        toes = place + [0, 0, 0.0055 * scale]
        heel = toes - scale * 0.021 * forward + [0, 0, scale * (0.006 - 0.004 * plan.posture["sit"][frame]) + 0.7 * place[2]]
        return np.stack([toes, heel, toes - [0, 0, 0.002 * scale]])
    fingers = place + [0, 0, 0.003 * scale]
    on_floor = np.stack([fingers, fingers + [0, 0, 0.009 * scale] - scale * 0.002 * forward, fingers])
    air, rub, stroke = (plan.posture[name][frame] for name in ("air", "rub", "stroke"))
    torso, skull = data.body("torso"), data.body("skull")
    hanging = torso.xpos + torso.xmat.reshape(3, 3) @ (scale * np.array([0.028, side * 0.016, -0.058]))
    wipe = np.array([0.018 + 0.013 * np.sin(stroke), side * (0.009 + 0.003 * np.cos(stroke)), -0.012 + 0.006 * np.cos(stroke)])
    at_snout = skull.xpos + skull.xmat.reshape(3, 3) @ (scale * wipe)
    lifted = hanging + rub * (at_snout - hanging)
    return on_floor + air * (np.stack([lifted, lifted, lifted]) - on_floor)


def swing_tail(model: mujoco.MjModel, data: mujoco.MjData, plan: Plan, frame: int) -> None:
    """Let the tail follow the turning of the body, later towards its tip."""
    for number in (1, 2, 3, 4, 5, 6, 9, 13, 17, 21, 25, 29):
        joint = model.joint(f"vertebra_C{number}_bend")
        earlier = max(0, frame - number // 2)
        data.qpos[joint.qposadr[0]] = np.clip(-0.07 * plan.turning[earlier], *joint.range)
