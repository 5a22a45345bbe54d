"""How the person moves as an action has it.

Hips, trunk and head follow smooth functions of time, ankles and wrists are given places, and the joints of legs and arms
follow by inverse kinematics (:mod:`bkind3d.simulation.limbs`). Lengths in m at scale 1, angles in radians.
"""

from dataclasses import dataclass, replace

import mujoco
import numpy as np
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.animals import Motion, Take
from bkind3d.simulation.limbs import Limb, find_swings, make_limb, place_paw, solve_limbs
from bkind3d.simulation.person.actions import ACTIONS, BASES, HANDS, Action, Base

#: Length of a stride (two steps); height of the ankle over the sole.
_STRIDE, _ANKLE = 1.05, 0.058
_SPINE = ("lowerback", "upperback", "thorax")
_NECK = ("lowerneck", "upperneck", "head")
#: How far (m at scale 1) hands and feet are from the place where somebody stands.
_REACH = 0.7
#: Time (s) before and after a take over which its steps are planned, so that it may begin in the middle of one.
_MARGIN = 1.5


@dataclass(frozen=True)
class Plan:
    """(frame, ...) where hips (world, m) and head go, and the ankles' paths; see :func:`plan_take`."""

    hips: Array
    yaw: Array
    lean: Array
    nod: Array
    look: Array
    ankles: dict[str, Array]
    wrists: dict[str, Array]


def move(model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
    """Perform one action, drawn among those that `take` asks for; the stool is below the floor where nobody sits on it."""
    chosen = take.behaviours or tuple(ACTIONS)
    action, scale = chosen[np.random.default_rng([take.seed, subject.seed, 24]).integers(len(chosen))], subject.scale
    plan = plan_take(action, subject, take)
    data, limbs, rest = mujoco.MjData(model), make_limbs(model), model.qpos0.copy()
    for name, angle in (("lradiusrx", 0.6), ("rradiusrx", 0.6), ("ltibiarx", 0.4), ("rtibiarx", 0.4)):
        rest[model.joint(name).qposadr[0]] = angle
    data.qpos[:] = rest
    # From the arms that are stretched out, the way to some places leads into a joint's limit; from hanging ones it does not.
    pose_trunk(model, data, plan, 0, scale)
    hanging = {side: np.array(HANDS["hang"].place)[None] for side in "lr"}
    solve_limbs(model, data, limbs, reach(data, replace(plan, wrists=hanging), 0, scale), rest, iterations=80)
    rest[7:] = data.qpos[7:]
    qpos = np.zeros((take.frames, model.nq))
    for frame in range(take.frames):
        pose_trunk(model, data, plan, frame, scale)
        solve_limbs(model, data, limbs, reach(data, plan, frame, scale), rest, iterations=5 if frame else 80)
        qpos[frame] = data.qpos
    qpos[:, 7:] = gaussian_filter1d(qpos[:, 7:], 0.03 * take.rate, axis=0, mode="nearest")
    stool = [*plan.hips[0, :2], 0.0 if ACTIONS[action].base == "chair" else -0.6]
    return Motion(qpos, [action] * take.frames, {"stool": np.tile(stool, (take.frames, 1))})


def plan_take(action: str, subject: SimulatedSubject, take: Take) -> Plan:
    """Plan a take of an action: its place, pace and phase are drawn for the take, habits for the person."""
    what, scale, rate = ACTIONS[action], subject.scale, take.rate
    base = BASES[what.base]
    habits = np.random.default_rng([subject.seed, 22])
    rng = np.random.default_rng([subject.seed, 23, [*ACTIONS].index(action), take.seed])
    margin, (rest, end) = round(_MARGIN * rate), take.find_rest()
    moments = np.arange(-margin, take.frames + margin)
    # Time stands still for whoever rests.
    time = np.asarray(moments - np.clip(moments - rest, 0, end - rest) + rng.uniform(0, 600), dtype=np.float64) / rate
    lively, tempo, handed = float(habits.uniform(0.8, 1.2)), float(habits.uniform(0.9, 1.1)), bool(habits.random() < 0.8)
    phase, room = np.zeros_like(time), take.arena / 2000 - _REACH * scale
    if base.speed:
        speed, radius, side = base.speed * tempo * scale * rng.uniform(0.85, 1.1), rng.uniform(0.7, 1.2), rng.choice([-1.0, 1.0])
        radius = min(radius, room)
        angle = side * speed / radius * time
        place, yaw = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), angle + side * np.pi / 2
        phase = speed * time / (_STRIDE * scale)
    else:
        spot, facing = rng.uniform(-0.7, 0.7, 2), rng.uniform(-np.pi, np.pi)
        spot = spot * min(1.0, room / float(np.linalg.norm(spot)))
        sway = 0.02 * lively * np.stack([np.sin(2 * np.pi * 0.3 * time), np.sin(2 * np.pi * 0.23 * time + 1)], axis=1)
        place, yaw = spot + sway * (what.base == "stand"), facing + 0.12 * lively * np.sin(2 * np.pi * 0.17 * time)
    bob = 0.015 * np.cos(4 * np.pi * phase) * bool(base.speed) - 0.006 * (1 + np.sin(2 * np.pi * 0.3 * time))
    hips = np.column_stack([place, scale * (base.hips + bob - 0.12 * max(0.0, what.lean - 0.2) * (what.base == "stand"))])
    inside = slice(margin, margin + take.frames)
    slow = np.sin(2 * np.pi * 0.4 * tempo * time)
    return Plan(
        hips=hips[inside],
        yaw=yaw[inside],
        lean=(what.lean + 0.04 * lively * slow)[inside],
        nod=(what.nod + 0.06 * lively * np.sin(2 * np.pi * 0.7 * tempo * time))[inside],
        look=(what.look + 0.15 * lively * np.sin(2 * np.pi * 0.21 * time))[inside],
        ankles={side: path[inside] for side, path in _plan_ankles(base, place, yaw, phase, rate, scale).items()},
        wrists={side: path[inside] for side, path in _plan_wrists(what, tempo * time, phase, lively, handed).items()},
    )


def _plan_ankles(base: Base, place: Array, yaw: Array, phase: Array, rate: float, scale: float) -> dict[str, Array]:
    """(frame, 3) paths of the ankles (world, m): still on the floor but for steps."""
    ahead, leftward = np.stack([np.cos(yaw), np.sin(yaw)], axis=1), np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    paths = {}
    for side, sign, offset in (("l", 1, 0.0), ("r", -1, 0.5)):
        home = place + scale * (base.ahead * ahead + sign * base.aside * leftward)
        steps = find_swings(phase, offset, rate, np.zeros(len(phase), bool), (0.2, 0.5)) if base.speed else []
        path = place_paw(home, steps, lift=0.09 * scale)
        # A foot that is far behind rolls over its toes.
        behind = ((place - path[:, :2]) * ahead).sum(axis=1)
        path[:, 2] += 0.35 * np.maximum(0, behind - 0.12 * scale)
        paths[side] = gaussian_filter1d(path, 0.02 * rate, axis=0, mode="nearest") + [0, 0, _ANKLE * scale]
    return paths


def _plan_wrists(what: Action, time: Array, phase: Array, lively: float, handed: bool) -> dict[str, Array]:
    """(frame, 3) places of the wrists as in :class:`~bkind3d.simulation.person.actions.Hand` (to the own side, up, ahead); left-handers exchange them."""
    names = {"r": what.right, "l": what.left} if handed else {"r": what.left, "l": what.right}
    paths = {}
    for side, name in names.items():
        hand = HANDS[name]
        # The left foot is lifted at phase 0 and in front about a third of a stride later: the right arm goes with it.
        turns = phase - (0.2 if side == "r" else 0.7) if name == "stride" else hand.hertz * time + (0.0 if side == "r" else 0.3)
        paths[side] = np.array(hand.place) + lively * np.array(hand.swing) * np.sin(2 * np.pi * turns)[:, None]
    return paths


def make_limbs(model: mujoco.MjModel) -> list[Limb]:
    """Left leg, right leg, left arm, right arm; what matters are ankles, toes and wrists, and a little the knees and elbows."""
    legs = (("femurrz", "femurry", "femurrx", "tibiarx", "footrz", "footrx"), (("foot", 1.0), ("toes", 0.5), ("tibia", 0.03)))
    arms = (("humerusrz", "humerusry", "humerusrx", "radiusrx"), (("wrist", 1.0), ("radius", 0.15)))
    return [
        make_limb(model, [side + joint for joint in joints], [(side + body, np.zeros(3), [weight] * 3) for body, weight in points])
        for joints, points in (legs, arms)
        for side in "lr"
    ]


def pose_trunk(model: mujoco.MjModel, data: mujoco.MjData, plan: Plan, frame: int, scale: float) -> None:
    """Set root, spine and neck of `data`."""
    bends = {"rx": (plan.lean[frame], plan.nod[frame]), "ry": (0.0, plan.look[frame])}
    for axis, (spine, neck) in bends.items():
        for bodies, angle in ((_SPINE, spine), (_NECK, neck)):
            for body in bodies:
                joint = model.joint(body + axis)
                data.qpos[joint.qposadr[0]] = np.clip(angle / len(bodies), *joint.range)
    cos, sin = np.cos(plan.yaw[frame]), np.sin(plan.yaw[frame])
    # Columns: where the model's x (left), y (up) and z (ahead) point in the world.
    upright = np.array([[-sin, 0, cos], [cos, 0, sin], [0, 1, 0]])
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, upright.ravel())
    data.qpos[:3], data.qpos[3:7] = plan.hips[frame] + upright @ (scale * np.array([0, 0.0918, -0.0494])), quaternion
    mujoco.mj_kinematics(model, data)


def reach(data: mujoco.MjData, plan: Plan, frame: int, scale: float) -> list[Array]:
    """Where the points of the limbs of :func:`make_limbs` have to be (world, m)."""
    places = []
    ahead = np.array([np.cos(plan.yaw[frame]), np.sin(plan.yaw[frame]), 0.0])
    for side in "lr":
        ankle, hip = plan.ankles[side][frame], data.body(f"{side}femur").xpos
        lifted = ankle[2] - _ANKLE * scale
        toes = ankle + scale * 0.156 * ahead - [0, 0, 0.0228 * scale + 0.5 * lifted]
        places.append(np.stack([ankle, toes, (ankle + hip) / 2 + scale * 0.1 * ahead]))
    thorax = data.body("thorax")
    axes = thorax.xmat.reshape(3, 3)
    middle = thorax.xpos + axes @ (scale * np.array([0, 0.204, 0.015]))
    for side, sign in (("l", 1), ("r", -1)):
        mirror = np.array([sign, 1, 1])
        wrist = middle + axes @ (scale * mirror * plan.wrists[side][frame])
        shoulder = data.body(f"{side}humerus").xpos
        elbow = (wrist + shoulder) / 2 + axes @ (scale * mirror * [0.12, -0.15, -0.08])
        places.append(np.stack([wrist, elbow]))
    return places
