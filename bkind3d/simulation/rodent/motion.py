"""How the rat moves as planned: the trunk is posed, the paws step, the joints of the limbs follow.

Footfalls (:mod:`bkind3d.simulation.limbs`) are planned from the path, so that paws on the floor stay where they are.
"""

import mujoco
import numpy as np
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.animals import Motion, Take
from bkind3d.simulation.limbs import Limb, find_lowest, find_swings, make_limb, place_paw, solve_limbs
from bkind3d.simulation.rodent.body import JAW
from bkind3d.simulation.rodent.plan import BEHAVIOURS, Plan, plan_motion

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
    data.joint("mandible").qpos = JAW
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
    mujoco.mj_kinematics(model, data)


#: Paws: when they are lifted (share of a stride; a lateral sequence), the side (left positive), whether in front.
PAWS = {"hind_L": (0.0, 1, False), "fore_L": (0.75, 1, True), "hind_R": (0.5, -1, False), "fore_R": (0.25, -1, True)}

#: Joints of a left leg, and its points: body, place in it (m at scale 1), weight of each coordinate.
HIND_JOINTS = ("hip_L_supinate", "hip_L_abduct", "hip_L_extend", "knee_L", "ankle_L", "toe_L")
FORE_JOINTS = (
    "scapula_L_supinate", "scapula_L_abduct", "scapula_L_extend",
    "shoulder_L", "shoulder_sup_L", "elbow_L", "wrist_L", "finger_L",
)  # fmt: skip
HIND_POINTS = (("toe_L", (0, 0, 0), (1, 1, 1)), ("foot_L", (0, 0, 0), (0.3, 0.3, 0.5)), ("toe_L", (0.014, 0.003, 0), (0, 0, 0.4)))
FORE_POINTS = (("finger_L", (0, 0, 0), (1, 1, 1)), ("hand_L", (0, 0, 0), (0.1, 0.1, 0.3)), ("finger_L", (0.009, 0.003, 0), (0, 0, 0.3)))

#: Vertebrae of the tail that are laid onto the floor, and their height above it (m at scale 1).
TAIL_HEIGHTS = {"vertebra_C9": 0.012, "vertebra_C15": 0.005, "vertebra_C22": 0.0045, "vertebra_C30": 0.004}
_BENDING_VERTEBRAE = (1, 2, 3, 4, 5, 6, 9, 13, 17, 21, 25, 29)


def make_limbs(model: mujoco.MjModel, scale: float) -> list[Limb]:
    """The four legs, in the order of :data:`PAWS`, and the tail."""
    limbs = []
    for paw, (_, side, fore) in PAWS.items():
        joints, points = (FORE_JOINTS, FORE_POINTS) if fore else (HIND_JOINTS, HIND_POINTS)
        letter = paw[-2:]
        mirrored = [(body.replace("_L", letter), scale * np.array([x, side * y, z]), weight) for body, (x, y, z), weight in points]
        limbs.append(make_limb(model, [joint.replace("_L", letter) for joint in joints], mirrored))
    names = [model.joint(index).name for index in range(model.njnt)]
    tail = [name for name in names if name.startswith("vertebra_C") and name.endswith("extend")]
    limbs.append(make_limb(model, tail, [(body, np.zeros(3), (0, 0, 0.5)) for body in TAIL_HEIGHTS]))
    return limbs


def move(model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
    """Move the rat: behaviours, path and posture first, then footfalls, then the joints of the limbs."""
    plan, scale = plan_motion(subject, take), subject.scale
    data, limbs, rest = mujoco.MjData(model), make_limbs(model, scale), model.qpos0.copy()
    rest[limbs[-1].qpos[:7]] = 0.2  # a raised root of the tail: a sitting rat's would else be curled under it
    paths = plan_footfalls(model, data, plan, take.rate, scale)
    floor = np.array([[0, 0, height * scale] for height in TAIL_HEIGHTS.values()])
    names = [model.geom(index).name for index in range(model.ngeom)]
    paws = np.array([index for index, name in enumerate(names) if name.startswith(("toe", "foot", "hand", "finger"))])
    qpos, lowest = np.zeros((take.frames, model.nq)), np.zeros(take.frames)
    data.qpos[:] = rest
    for frame in range(take.frames):
        pose_trunk(model, data, plan, frame, scale)
        # The tail follows the turning of the body, later towards its tip.
        for number in _BENDING_VERTEBRAE:
            joint = model.joint(f"vertebra_C{number}_bend")
            data.qpos[joint.qposadr[0]] = np.clip(-0.07 * plan.turning[max(0, frame - number // 2)], *joint.range)
        places = [reach(data, plan, frame, paw, path[frame], scale) for paw, path in paths.items()]
        solve_limbs(model, data, limbs, [*places, floor], rest, iterations=4 if frame else 60)
        qpos[frame], lowest[frame] = data.qpos, find_lowest(model, data, paws)
    # The joints of a limb may jump between two ways to reach a place; the root's height takes up what they missed.
    qpos[:, 7:] = gaussian_filter1d(qpos[:, 7:], 0.02 * take.rate, axis=0, mode="nearest")
    qpos[:, 2] -= gaussian_filter1d(np.clip(lowest, -0.004, 0.004), 0.05 * take.rate, mode="nearest")
    return Motion(qpos, [BEHAVIOURS[label] for label in plan.labels])


def plan_footfalls(model: mujoco.MjModel, data: mujoco.MjData, plan: Plan, rate: float, scale: float) -> dict[str, Array]:
    """(frame, 3) path of each paw on and above the floor (world, m), from where the moving body would have it."""
    n_frames = len(plan.labels)
    homes = {paw: np.zeros((n_frames, 2)) for paw in PAWS}
    for frame in range(n_frames):
        pose_trunk(model, data, plan, frame, scale)
        for paw in PAWS:
            homes[paw][frame] = find_home(data, plan, frame, paw, scale)
    paths = {}
    for paw, (offset, _, fore) in PAWS.items():
        held = plan.posture["air"] > 0.5 if fore else np.zeros(n_frames, bool)
        paths[paw] = place_paw(homes[paw], find_swings(plan.phase, offset, rate, held), lift=0.013 * scale)
    return paths


def find_home(data: mujoco.MjData, plan: Plan, frame: int, paw: str, scale: float) -> Array:
    """(2,) where the paw would stand below the body at this moment (world, m)."""
    _, side, fore = PAWS[paw]
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
