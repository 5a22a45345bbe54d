"""How the rat moves: which behaviour when, along which path, in which posture.

Postures are drawn at random for every bout of a behaviour and joined smoothly; walking is carried by footfalls
(:mod:`bkind3d.simulation.limbs`) that are planned from the path, so that paws on the floor stay where they are.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import SimulatedRig, SimulatedSession, SimulatedSubject
from bkind3d.simulation.animals import Motion
from bkind3d.simulation.limbs import Limb, find_swings, make_limb, place_paw, solve_limbs

Array = NDArray[np.float64]

BEHAVIOURS = ("rest", "walk", "turn", "rear", "groom")

#: Shortest and longest bout of a behaviour in seconds.
DURATIONS = {"rest": (0.9, 2.0), "walk": (1.2, 2.6), "turn": (0.8, 1.4), "rear": (1.2, 2.2), "groom": (1.4, 2.6)}

#: Mean, spread between bouts, and wandering within a bout, of each channel of the posture. Height (of the pelvis) and
#: back (how far it is behind its place above the hind paws) in m at scale 1; angles in radians: pitch of the pelvis
#: (nose up), flex (back arched) and bend (to the left) of the spine, neck_yaw and neck_tilt; head_down is
#: the head's pitch to the horizontal. Air is how
#: much the forepaws are off the floor, sit how much the heels are down.
POSTURES: dict[str, dict[str, tuple[float, float, float]]] = {
    "rest": {"height": (0.048, 0.003, 0.001), "pitch": (0.22, 0.08, 0.02), "flex": (0.3, 0.12, 0.04), "bend": (0, 0.25, 0.05),
             "head_down": (0.15, 0.12, 0.08), "neck_yaw": (0, 0.3, 0.15), "neck_tilt": (0, 0.1, 0.05)},
    "walk": {"height": (0.060, 0.003, 0.001), "pitch": (0.06, 0.04, 0.02), "flex": (0.08, 0.08, 0.04), "bend": (0, 0.04, 0.05),
             "head_down": (0.1, 0.12, 0.1), "neck_yaw": (0, 0.05, 0.15), "neck_tilt": (0, 0.05, 0.05)},
    "turn": {"height": (0.055, 0.003, 0.001), "pitch": (0.12, 0.04, 0.02), "flex": (0.2, 0.1, 0.04), "bend": (0, 0.04, 0.03),
             "head_down": (0.15, 0.12, 0.05), "neck_yaw": (0, 0.05, 0.05), "neck_tilt": (0, 0.1, 0.05)},
    "rear": {"height": (0.068, 0.004, 0.002), "pitch": (0.75, 0.08, 0.04), "flex": (-0.5, 0.15, 0.05), "bend": (0, 0.15, 0.1),
             "head_down": (-0.1, 0.25, 0.15), "neck_yaw": (0, 0.3, 0.35), "neck_tilt": (0, 0.15, 0.1), "air": (1, 0, 0)},
    "groom": {"height": (0.060, 0.002, 0.001), "back": (0.018, 0.003, 0.001), "pitch": (0.70, 0.06, 0.03), "flex": (-0.05, 0.1, 0.04),
              "bend": (0, 0.08, 0.05), "head_down": (0.38, 0.08, 0.05), "neck_yaw": (0, 0.12, 0.1), "neck_tilt": (0, 0.2, 0.1),
              "air": (1, 0, 0), "sit": (1, 0, 0)},
}  # fmt: skip
CHANNELS = ("height", "back", "pitch", "flex", "bend", "head_down", "neck_yaw", "neck_tilt", "air", "sit")


@dataclass(frozen=True)
class Plan:
    """What the animal is about to do: (frame,) arrays; world (m), radians.

    Attributes
    ----------
    labels : index into :data:`BEHAVIOURS`.
    x, y, yaw : place above the hind paws, and heading.
    turning : heading's change per second.
    phase : strides so far.
    posture : the channels of :data:`POSTURES`, and ``stroke``, the phase of grooming.
    """

    labels: NDArray[np.intp]
    x: Array
    y: Array
    yaw: Array
    turning: Array
    phase: Array
    posture: dict[str, Array]


def make_wander(rng: np.random.Generator, n_frames: int, rate: float, seconds: float) -> Array:
    """(frame,) smooth noise of unit variance that forgets itself within about `seconds`."""
    pad = int(4 * seconds * rate) + 1
    noise = gaussian_filter1d(rng.standard_normal(n_frames + 2 * pad), seconds * rate)[pad:-pad]
    return np.asarray(noise * np.sqrt(2 * np.sqrt(np.pi) * seconds * rate))


def plan_bouts(rng: np.random.Generator, n_frames: int, rate: float) -> list[tuple[int, int, int]]:
    """Bouts as (behaviour, first frame, end): all behaviours in a new order again and again, none twice in a row."""
    bouts: list[tuple[int, int, int]] = []
    start = 0
    while start < n_frames:
        order = rng.permutation(len(BEHAVIOURS))
        if bouts and order[0] == bouts[-1][0]:
            order = np.roll(order, 1)
        for behaviour in order:
            end = min(n_frames, start + max(2, round(rng.uniform(*DURATIONS[BEHAVIOURS[behaviour]]) * rate)))
            if start < n_frames:
                bouts.append((int(behaviour), start, end))
            start = end
    return bouts


def plan_path(rng: np.random.Generator, bouts: list[tuple[int, int, int]], rate: float, scale: float, radius: float) -> dict[str, Array]:
    """Walk to places inside a circle of `radius` (m), turning on the spot between walks: ``x, y, yaw, speed, turning``."""
    place, yaw = rng.uniform(-0.4, 0.4, 2) * radius, rng.uniform(-np.pi, np.pi)
    speed = turning = 0.0
    rows = []
    for behaviour, start, end in bouts:
        name, target = BEHAVIOURS[behaviour], pick_target(rng, place, radius)
        pace, spin = rng.uniform(0.13, 0.24) * scale, rng.uniform(1.5, 2.4)
        error = wrap(np.arctan2(*(target - place)[::-1]) - yaw)
        side = np.sign(error) if abs(error) > 0.6 else rng.choice([-1.0, 1.0])
        for _ in range(start, end):
            if np.linalg.norm(target - place) < 0.05:
                target = pick_target(rng, place, radius)
            error = wrap(np.arctan2(*(target - place)[::-1]) - yaw)
            wanted_turning = {"walk": np.clip(2.5 * error, -1.5, 1.5), "turn": side * spin}.get(name, 0.0)
            wanted_speed = {"walk": pace * np.clip(1.3 - abs(error) / 1.2, 0.25, 1), "turn": 0.015}.get(name, 0.0)
            speed += (wanted_speed - speed) / (0.12 * rate + 1)
            turning += (wanted_turning - turning) / (0.12 * rate + 1)
            yaw += turning / rate
            place = place + speed / rate * np.array([np.cos(yaw), np.sin(yaw)])
            rows.append((*place, yaw, speed, turning))
    columns = gaussian_filter1d(np.array(rows), 0.05 * rate, axis=0, mode="nearest").T
    return dict(zip(("x", "y", "yaw", "speed", "turning"), columns, strict=True))


def pick_target(rng: np.random.Generator, place: Array, radius: float) -> Array:
    """A random place (2,) inside the circle, at least half a radius away."""
    while True:
        target = rng.uniform(-radius, radius, 2)
        if np.linalg.norm(target) < radius and np.linalg.norm(target - place) > 0.5 * radius:
            return target


def wrap(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def plan_motion(session: SimulatedSession, subject: SimulatedSubject, rig: SimulatedRig) -> Plan:
    """Draw behaviours, path and posture of a recording."""
    rng = np.random.default_rng([session.seed, subject.seed, 21])
    habits = np.random.default_rng([subject.seed, 22])
    n_frames, rate, scale = session.frames, rig.rate, subject.scale
    bouts = plan_bouts(rng, n_frames, rate)
    path = plan_path(rng, bouts, rate, scale * habits.uniform(0.9, 1.1), rig.arena / 2000 - 0.16 * scale)
    time = np.arange(n_frames) / rate
    labels, posture = np.zeros(n_frames, np.intp), {name: np.zeros(n_frames) for name in CHANNELS}
    wanders = {name: make_wander(rng, n_frames, rate, 0.25) for name in CHANNELS}
    manner = {name: habits.normal(0, 0.4) for name in CHANNELS}
    for behaviour, start, end in bouts:
        labels[start:end] = behaviour
        for name, (mean, spread, wander) in POSTURES[BEHAVIOURS[behaviour]].items():
            posture[name][start:end] = mean + spread * (rng.normal() + manner[name]) + wander * wanders[name][start:end]
    posture = {name: gaussian_filter1d(values, 0.11 * rate, mode="nearest") for name, values in posture.items()}
    pace = path["speed"] / scale + 0.08 * np.abs(path["turning"])
    phase = np.cumsum(np.where(pace > 0.02, pace, 0) / 0.075 / rate) + rng.uniform()
    moving, stride = np.clip(pace / 0.15, 0, 1), 2 * np.pi * phase
    breath = 2 * np.pi * habits.uniform(1.4, 2.0) * time
    posture["height"] += 0.0008 * np.sin(breath) + 0.0015 * moving * np.sin(2 * stride)
    posture["flex"] += 0.03 * np.sin(breath) + 0.04 * moving * np.sin(2 * stride + 1)
    posture["bend"] += 0.09 * moving * np.sin(stride) + np.clip(0.3 * path["turning"], -0.65, 0.65)
    posture["neck_yaw"] += np.clip(0.3 * path["turning"], -0.6, 0.6) - 0.06 * moving * np.sin(stride)
    posture["stroke"] = 2 * np.pi * np.cumsum(2.8 + 0.5 * make_wander(rng, n_frames, rate, 0.5)) / rate
    posture["head_down"] += 0.08 * posture["sit"] * np.sin(posture["stroke"])
    posture["neck_down"] = posture["head_down"] + posture["pitch"] - posture["flex"]
    return Plan(labels, path["x"], path["y"], path["yaw"], path["turning"], phase, posture)


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


def make_limbs(model: mujoco.MjModel) -> list[Limb]:
    """The four legs, in the order of :data:`PAWS`, and the tail."""
    limbs = []
    for paw in PAWS:
        kind, side = paw.split("_")
        if kind == "hind":
            joints = [f"hip_{side}_{name}" for name in ("supinate", "abduct", "extend")] + [f"{name}_{side}" for name in ("knee", "ankle", "toe")]
            bodies, weights = (f"toe_{side}", f"foot_{side}"), ((1, 1, 1), (0.3, 0.3, 0.5))
        else:
            joints = [f"scapula_{side}_{name}" for name in ("supinate", "abduct", "extend")]
            joints += [f"{name}_{side}" for name in ("shoulder", "shoulder_sup", "elbow", "wrist", "finger")]
            bodies, weights = (f"finger_{side}", f"hand_{side}"), ((1, 1, 1), (0.1, 0.1, 0.3))
        limbs.append(make_limb(model, joints, bodies, weights))
    tail = [name for name in (model.joint(index).name for index in range(model.njnt)) if name.startswith("vertebra_C") and "extend" in name]
    limbs.append(make_limb(model, tail, ("vertebra_C9", "vertebra_C15", "vertebra_C22", "vertebra_C30"), [(0, 0, 0.5)] * 4))
    return limbs


def move_rodent(model: mujoco.MjModel, session: SimulatedSession, subject: SimulatedSubject, rig: SimulatedRig) -> Motion:
    """Move the rat: behaviours, path and posture first, then footfalls, then the joints of the limbs."""
    plan, scale = plan_motion(session, subject, rig), subject.scale
    data, limbs, rest = mujoco.MjData(model), make_limbs(model), model.qpos0.copy()
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
    qpos = np.zeros((n_frames, model.nq))
    data.qpos[:] = rest
    for frame in range(n_frames):
        pose_trunk(model, data, plan, frame, scale)
        mujoco.mj_kinematics(model, data)
        places = [reach(data, plan, frame, paw, path[frame], scale) for paw, path in zip(PAWS, paths, strict=True)]
        swing_tail(model, data, plan, frame)
        places.append(np.array([[0, 0, height * scale] for height in (0.012, 0.005, 0.0045, 0.004)]))
        solve_limbs(model, data, limbs, places, rest, 4 if frame else 40)
        stand_on_floor(model, data)
        qpos[frame] = data.qpos
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
    """(2, 3) where the two points of a leg have to be: toes and heel, or fingers and wrist (world, m)."""
    _, side, fore = PAWS[paw]
    forward = np.array([np.cos(plan.yaw[frame]), np.sin(plan.yaw[frame]), 0.0])
    if not fore:
        toes = place + [0, 0, 0.0055 * scale]
        return np.stack([toes, toes - scale * 0.021 * forward + [0, 0, scale * (0.006 - 0.004 * plan.posture["sit"][frame]) + 0.7 * place[2]]])
    fingers = place + [0, 0, 0.003 * scale]
    on_floor = np.stack([fingers, fingers + [0, 0, 0.009 * scale] - scale * 0.002 * forward])
    air, sit = plan.posture["air"][frame], plan.posture["sit"][frame]
    torso, skull = data.body("torso"), data.body("skull")
    hanging = torso.xpos + torso.xmat.reshape(3, 3) @ (scale * np.array([0.062, side * 0.018, -0.045]))
    stroke = plan.posture["stroke"][frame]
    rub = scale * np.array([0.036 + 0.012 * np.sin(stroke), side * (0.012 + 0.003 * np.cos(stroke)), -0.006 + 0.007 * np.cos(stroke)])
    at_snout = skull.xpos + skull.xmat.reshape(3, 3) @ rub
    lifted = hanging + sit * (at_snout - hanging)
    return on_floor + air * (np.stack([lifted, lifted]) - on_floor)


def swing_tail(model: mujoco.MjModel, data: mujoco.MjData, plan: Plan, frame: int) -> None:
    """Let the tail follow the turning of the body, later towards its tip."""
    for number in (1, 2, 3, 4, 5, 6, 9, 13, 17, 21, 25, 29):
        joint = model.joint(f"vertebra_C{number}_bend")
        earlier = max(0, frame - number // 2)
        data.qpos[joint.qposadr[0]] = np.clip(-0.07 * plan.turning[earlier], *joint.range)


def stand_on_floor(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Raise or lower the root so that the lowest point of the hind paws' shapes touches the floor."""
