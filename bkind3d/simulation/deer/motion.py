"""How the deer moves: path and posture first, then footfalls, then the joints of the legs.

Lengths in m at scale 1, angles in radians.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.animals import Motion, Take
from bkind3d.simulation.deer.body import HIPS
from bkind3d.simulation.limbs import Limb, find_swings, make_limb, place_paw, solve_limbs
from bkind3d.simulation.paths import Roaming, insert_rest, make_wander, plan_bouts, plan_path

ROAMING = Roaming(
    durations={"stand": (1.0, 2.0), "walk": (1.5, 3.0), "trot": (1.2, 2.2), "turn": (0.8, 1.4), "graze": (1.5, 2.5)},
    paces={"walk": (0.55, 0.85), "trot": (1.3, 1.8)},
    rest="stand", spin=(1.0, 1.5), creep=0.05, near=0.3,
)  # fmt: skip
BEHAVIOURS = ROAMING.behaviours
#: Mean, spread between bouts, and wandering within a bout, of each channel: how far the hips are lowered (m), the neck's angle over the
#: horizontal, the nose's below it, and how far the head looks to the left.
_POSTURES: dict[str, dict[str, tuple[float, float, float]]] = {
    "stand": {"low": (0.012, 0.006, 0.0), "neck": (0.95, 0.12, 0.0), "nose": (0.45, 0.12, 0.0), "look": (0.0, 0.4, 0.0)},
    "walk": {"low": (0.02, 0.006, 0.002), "neck": (0.7, 0.1, 0.05), "nose": (0.55, 0.1, 0.05), "look": (0.0, 0.1, 0.1)},
    "trot": {"low": (0.03, 0.006, 0.003), "neck": (0.9, 0.08, 0.04), "nose": (0.4, 0.08, 0.04), "look": (0.0, 0.05, 0.05)},
    "turn": {"low": (0.02, 0.006, 0.002), "neck": (0.8, 0.1, 0.04), "nose": (0.5, 0.1, 0.04), "look": (0.0, 0.1, 0.05)},
    "graze": {"low": (0.03, 0.01, 0.002), "neck": (-0.95, 0.08, 0.06), "nose": (1.25, 0.1, 0.1), "look": (0.0, 0.15, 0.15)},
}
#: When a leg is lifted, as a share of the stride, in a walk and in a trot; the side (left positive), and whether it is in front.
LEGS = {"hind_L": (0.0, 0.0, 1, False), "fore_L": (0.75, 0.5, 1, True), "hind_R": (0.5, 0.5, -1, False), "fore_R": (0.25, 0.0, -1, True)}
_FORE = ("shoulder_abduct", "shoulder", "elbow", "carpus", "forefetlock"), "forehoof"
_HIND = ("hip_abduct", "hip", "stifle", "hock", "hindfetlock"), "hindhoof"
#: The sole in the frame of a hoof, and how high the fetlock is over it, and how far behind.
_SOLE, _FETLOCK = (0.031, 0.0, -0.083), (-0.031, 0.083)


@dataclass(frozen=True)
class Plan:
    """What the deer is about to do: (frame,) arrays; world (m), radians. `posture` has the channels of ``_POSTURES`` and ``breath``."""

    labels: Array
    x: Array
    y: Array
    yaw: Array
    turning: Array
    phase: Array
    moving: Array
    trot: Array
    posture: dict[str, Array]


def move(model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
    """Move the deer: behaviours, path and posture first, then footfalls, then the joints of the legs."""
    plan, scale = plan_motion(subject, take), subject.scale
    data, limbs = mujoco.MjData(model), make_legs(model, scale)
    homes = {leg: np.zeros((take.frames, 2)) for leg in LEGS}
    for frame in range(take.frames):
        pose_trunk(model, data, plan, frame, scale)
        for leg in LEGS:
            homes[leg][frame] = _find_home(data, leg, scale)
    paths = {}
    for leg, (walking, trotting, _, _) in LEGS.items():
        offset = walking + plan.trot * (trotting - walking)
        swings = find_swings(plan.phase, offset, take.rate, np.zeros(take.frames, bool), (0.16, 0.45))
        paths[leg] = place_paw(homes[leg], swings, lift=0.09 * scale)
    qpos, rest = np.zeros((take.frames, model.nq)), model.qpos0.copy()
    data.qpos[:] = rest
    for frame in range(take.frames):
        pose_trunk(model, data, plan, frame, scale)
        solve_limbs(model, data, limbs, [_reach(plan, frame, path[frame], scale) for path in paths.values()], rest, 6 if frame else 60)
        qpos[frame] = data.qpos
    qpos[:, 7:] = gaussian_filter1d(qpos[:, 7:], 0.015 * take.rate, axis=0, mode="nearest")
    return Motion(qpos, [BEHAVIOURS[int(label)] for label in plan.labels])


def plan_motion(subject: SimulatedSubject, take: Take) -> Plan:
    """Draw behaviours, path and posture of a take."""
    rng, habits = np.random.default_rng([take.seed, subject.seed, 62]), np.random.default_rng([subject.seed, 63])
    n_frames, rate, scale = take.frames, take.rate, subject.scale
    bouts = plan_bouts(rng, ROAMING, n_frames, rate, take.behaviours)
    if take.rest_seconds:
        bouts = insert_rest(bouts, ROAMING, *take.find_rest())
    path = plan_path(rng, ROAMING, bouts, rate, scale * habits.uniform(0.9, 1.1), take.arena / 2000 - 1.05 * scale)
    labels, posture = path["label"].astype(int), {}
    borders = [0, *(np.flatnonzero(np.diff(labels)) + 1), n_frames]
    for name in ("low", "neck", "nose", "look"):
        manner, wander, values = habits.normal(0, 0.4), make_wander(rng, n_frames, rate, 0.3), np.zeros(n_frames)
        for start, end in zip(borders, borders[1:], strict=False):
            mean, spread, wandering = _POSTURES[BEHAVIOURS[labels[start]]][name]
            values[start:end] = mean + spread * (rng.normal() + manner) + wandering * wander[start:end]
        posture[name] = gaussian_filter1d(values, 0.16 * rate, mode="nearest")
    posture["breath"] = np.sin(2 * np.pi * habits.uniform(0.4, 0.6) * np.arange(n_frames) / rate)
    pace = path["speed"] / scale + 0.35 * np.abs(path["turning"])
    trot = np.clip((path["speed"] / scale - 0.9) / 0.3, 0, 1)
    # The faster, the longer the strides.
    phase = np.cumsum(np.where(pace > 0.06, pace / (0.5 + 0.38 * pace), 0) / rate) + rng.uniform()
    return Plan(labels, path["x"], path["y"], path["yaw"], path["turning"], phase, np.clip(pace / 0.4, 0, 1), trot, posture)


def pose_trunk(model: mujoco.MjModel, data: mujoco.MjData, plan: Plan, frame: int, scale: float) -> None:
    """Set root, waist, neck, head and tail of `data`."""
    posture = {name: values[frame] for name, values in plan.posture.items()}
    moving, trot, stride, turning = plan.moving[frame], plan.trot[frame], 2 * np.pi * plan.phase[frame], plan.turning[frame]
    height = HIPS - posture["low"] + 0.001 * posture["breath"] + moving * (0.006 + 0.014 * trot) * np.sin(2 * stride)
    pitch = 0.012 * moving * np.sin(2 * stride + 1.2)
    angles = {
        "waist_bend": 0.22 * turning + 0.04 * moving * np.sin(stride),
        "waist_flex": 0.02 * moving * np.sin(2 * stride) + 0.003 * posture["breath"],
        "neck_yaw": 0.4 * posture["look"] + 0.15 * turning, "throat_yaw": 0.3 * posture["look"], "head_yaw": 0.3 * posture["look"],
        # Down is positive about +y.
        "neck_pitch": -posture["neck"] - 0.06 * moving * np.sin(2 * stride), "throat_pitch": -0.15 * np.sign(posture["neck"]),
        "tail_yaw": 0.25 * moving * np.sin(stride), "tail_pitch": -0.5 * trot,
    }  # fmt: skip
    angles["head_pitch"] = posture["nose"] - angles["neck_pitch"] - angles["throat_pitch"]
    for name, angle in angles.items():
        joint = model.joint(name)
        data.qpos[joint.qposadr[0]] = np.clip(angle, *joint.range)
    turn, lean, orientation = (np.zeros(4) for _ in range(3))
    mujoco.mju_axisAngle2Quat(turn, np.array([0.0, 0.0, 1.0]), plan.yaw[frame])
    mujoco.mju_axisAngle2Quat(lean, np.array([0.0, 1.0, 0.0]), pitch)
    mujoco.mju_mulQuat(orientation, turn, lean)
    data.qpos[:3], data.qpos[3:7] = [plan.x[frame], plan.y[frame], scale * height], orientation
    mujoco.mj_kinematics(model, data)


def make_legs(model: mujoco.MjModel, scale: float) -> list[Limb]:
    """The legs in the order of :data:`LEGS`: what matters are soles and, less, fetlocks."""
    limbs = []
    for leg, (_, _, _, fore) in LEGS.items():
        joints, hoof = _FORE if fore else _HIND
        side = leg[-2:]
        points: list[tuple[str, Array, Sequence[float]]] = [
            (hoof + side, scale * np.array(_SOLE), [1, 1, 1]),
            (hoof + side, np.zeros(3), [0.3, 0.3, 0.5]),
        ]
        limbs.append(make_limb(model, [joint + side for joint in joints], points))
    return limbs


def _find_home(data: mujoco.MjData, leg: str, scale: float) -> Array:
    """(2,) where the hoof would stand below the body at this moment (world, m): a little further in than the joint above it."""
    _, _, side, fore = LEGS[leg]
    owner = data.body("chest" if fore else "rump")
    axes = owner.xmat.reshape(3, 3)
    ahead = axes[:2, 0] / np.linalg.norm(axes[:2, 0])
    leftward = np.array([-ahead[1], ahead[0]])
    along, aside = (0.31, 0.075) if fore else (-0.02, 0.07)
    return np.asarray(owner.xpos[:2] + scale * (along * ahead + side * aside * leftward))


def _reach(plan: Plan, frame: int, place: Array, scale: float) -> Array:
    """(2, 3) where sole and fetlock have to be (world, m); the hoof tips as it is lifted."""
    ahead = np.array([np.cos(plan.yaw[frame]), np.sin(plan.yaw[frame]), 0.0])
    behind, over = _FETLOCK
    fetlock = place + scale * np.array([0, 0, over]) + ahead * (scale * behind - 0.4 * place[2])
    return np.stack([place, fetlock])
