"""How the fly moves: a tripod gait along a path, inverse kinematics of the legs, and postures of head, abdomen and wings.

All is planned in the model's units (cm), for a fly a hundred times as large; joints' angles are the same at any size.
"""

import mujoco
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from bkind3d.config import SimulatedSubject
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.animals import Motion, Take
from bkind3d.simulation.fly.body import BALL, BALL_TOP, HEIGHT, LEGS, UNIT, build_skeleton, mirror_claw
from bkind3d.simulation.limbs import Limb, find_swings, make_limb, place_paw, solve_limbs
from bkind3d.simulation.paths import Roaming, insert_rest, make_wander, plan_bouts, plan_path

ROAMING = Roaming(
    durations={"stand": (0.6, 1.2), "walk": (0.8, 1.6), "turn": (0.4, 0.8), "groom": (0.8, 1.5), "wing": (0.6, 1.2)},
    paces={"walk": (0.6, 1.2)}, rest="stand", spin=(2.0, 3.5), creep=0.05, near=0.2,
)  # fmt: skip
BEHAVIOURS = ROAMING.behaviours
#: Where the claws stand (units at scale 1, from below the thorax; left side).
_STANCE = {"T1": (0.088, 0.082), "T2": (0.01, 0.15), "T3": (-0.165, 0.098)}
_LIFT, _STRIDE = 0.03, 0.16
#: Tripods: legs that are lifted together.
_TRIPOD = {"T1_left": 0.0, "T2_right": 0.0, "T3_left": 0.0, "T1_right": 0.5, "T2_left": 0.5, "T3_right": 0.5}
_LEG_JOINTS = ("coxa_abduct", "coxa_twist", "coxa", "femur_twist", "femur", "tibia", "tarsus", "tarsus2", "tarsus3")
#: Room (units) between the path and the arena's edge.
_MARGIN = 0.3


def move(model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
    """Move the free fly."""
    qpos, labels, _ = _perform(subject, take, take.arena / (2000 * UNIT) - _MARGIN * subject.scale, is_tethered=False)
    qpos[:, :3] *= UNIT
    return Motion(qpos, labels)


def move_tethered(model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
    """Move the fly that is held: its claws do what they would on its way, and the ball turns as the ground would pass below."""
    qpos, labels, path = _perform(subject, take, radius=4.0, is_tethered=True)
    qpos[:, :3] *= UNIT
    steps = np.diff(np.stack([path["x"], path["y"]], axis=1), axis=0, prepend=[[path["x"][0], path["y"][0]]])
    turns = np.diff(path["yaw"], prepend=path["yaw"][0])
    facing, yaw = np.random.default_rng([subject.seed, 73]).uniform(-np.pi, np.pi), path["yaw"]
    cos, sin = np.cos(facing - yaw), np.sin(facing - yaw)
    ahead = np.stack([cos * steps[:, 0] - sin * steps[:, 1], sin * steps[:, 0] + cos * steps[:, 1]], axis=1)
    orientation, quaternions = Rotation.identity(), []
    for (x, y), turn in zip(ahead, turns, strict=True):
        # The top of the ball goes back as the fly goes ahead.
        orientation = Rotation.from_rotvec([y / BALL, -x / BALL, -turn]) * orientation
        quaternions.append(orientation.as_quat(scalar_first=True))
    ball = np.column_stack([np.tile([0, 0, UNIT * (BALL_TOP - BALL)], (take.frames, 1)), quaternions])
    return Motion(qpos, labels, {"ball": ball})


def _perform(subject: SimulatedSubject, take: Take, radius: float, is_tethered: bool) -> tuple[Array, list[str], dict[str, Array]]:
    """Generalised positions with the root in units, behaviours, and the path on the ground (units)."""
    rng, habits = np.random.default_rng([take.seed, subject.seed, 74]), np.random.default_rng([subject.seed, 75])
    n_frames, rate, scale = take.frames, take.rate, subject.scale
    bouts = plan_bouts(rng, ROAMING, n_frames, rate, take.behaviours)
    if take.rest_seconds:
        bouts = insert_rest(bouts, ROAMING, *take.find_rest())
    path = plan_path(rng, ROAMING, bouts, rate, scale * habits.uniform(0.9, 1.1), radius)
    labels = [BEHAVIOURS[int(label)] for label in path["label"]]
    model = build_skeleton(subject).compile()
    data, limbs, rest = mujoco.MjData(model), _make_legs(model, scale), model.qpos0.copy()
    for side in ("left", "right"):
        for name in ("yaw", "roll", "pitch"):
            address = model.joint(f"wing_{name}_{side}").qposadr[0]
            rest[address] = model.qpos_spring[address]
    pace = path["speed"] / scale + 0.12 * np.abs(path["turning"])
    phase = np.cumsum(np.where(pace > 0.1, pace, 0) / _STRIDE / rate) + rng.uniform()
    postures = _plan_postures(rng, labels, path, rate)
    claws = _plan_claws(path, phase, rate, scale)
    facing = float(np.random.default_rng([subject.seed, 73]).uniform(-np.pi, np.pi))
    qpos = np.zeros((n_frames, model.nq))
    data.qpos[:] = rest
    for frame in range(n_frames):
        posture = {name: values[frame] for name, values in postures.items()}
        place, yaw = np.array([path["x"][frame], path["y"][frame]]), path["yaw"][frame]
        targets = {leg: claw[frame].copy() for leg, claw in claws.items()}
        if is_tethered:
            targets = {leg: _put_on_ball(target, place, yaw, facing) for leg, target in targets.items()}
            place, yaw = np.zeros(2), facing
        height = scale * (HEIGHT + posture["bob"]) + BALL_TOP * is_tethered
        data.qpos[:7] = [*place, height, np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
        _set_posture(model, data, rest, posture)
        mujoco.mj_kinematics(model, data)
        for sign, leg in ((1, "T1_left"), (-1, "T1_right")):
            targets[leg] += posture["groom"] * (_find_rub(data, posture["stroke"], sign, scale) - targets[leg])
        solve_limbs(model, data, limbs, [targets[leg][None] for leg in LEGS], rest, iterations=8 if frame else 80)
        qpos[frame] = data.qpos
    return qpos, labels, path


def _make_legs(model: mujoco.MjModel, scale: float) -> list[Limb]:
    """The legs in the order of ``LEGS``: what matters are the ends of the claws."""
    return [
        make_limb(
            model,
            [f"{joint}_{leg}" for joint in _LEG_JOINTS],
            [(f"claw_{leg}", scale * mirror_claw(leg), [1, 1, 1])],
        )
        for leg in LEGS
    ]


def _plan_postures(rng: np.random.Generator, labels: list[str], path: dict[str, Array], rate: float) -> dict[str, Array]:
    """(frame,) channels: how much it grooms and spreads a wing, strokes (phase), bob of the thorax, and turns of head and abdomen."""
    names, n_frames = np.array(labels), len(labels)
    still = gaussian_filter1d((names == "stand").astype(float), 0.1 * rate, mode="nearest")
    side = np.where(make_wander(rng, n_frames, rate, 2.0) > 0, 1.0, -1.0)
    return {
        "groom": gaussian_filter1d((names == "groom").astype(float), 0.05 * rate, mode="nearest"),
        "stroke": 2 * np.pi * np.cumsum(np.full(n_frames, 5.0)) / rate,
        "wing_left": gaussian_filter1d(((names == "wing") & (side > 0)).astype(float), 0.04 * rate, mode="nearest"),
        "wing_right": gaussian_filter1d(((names == "wing") & (side < 0)).astype(float), 0.04 * rate, mode="nearest"),
        "bob": (1 - still) * 0.004 * make_wander(rng, n_frames, rate, 0.15),
        "head": (1 - still) * 0.12 * make_wander(rng, n_frames, rate, 0.2) + np.clip(0.08 * path["turning"], -0.15, 0.15),
        "abdomen": (1 - still) * 0.08 * make_wander(rng, n_frames, rate, 0.3),
    }


def _plan_claws(path: dict[str, Array], phase: Array, rate: float, scale: float) -> dict[str, Array]:
    """(frame, 3) paths of the ends of the claws on flat ground (units)."""
    place, yaw, paths = np.stack([path["x"], path["y"]], axis=1), path["yaw"], {}
    ahead, leftward = np.stack([np.cos(yaw), np.sin(yaw)], axis=1), np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    for leg in LEGS:
        along, aside = _STANCE[leg[:2]]
        home = place + scale * (along * ahead + (aside if leg.endswith("left") else -aside) * leftward)
        swings = find_swings(phase, _TRIPOD[leg], rate, np.zeros(len(phase), bool), (0.03, 0.12))
        paths[leg] = place_paw(home, swings, lift=_LIFT * scale) + [0, 0, 0.003 * scale]
    return paths


def _put_on_ball(target: Array, place: Array, yaw: float, facing: float) -> Array:
    """Where a claw is that would be at `target` on flat ground: turned and moved to the held body, and lowered to the ball's surface."""
    (x, y), (cos, sin) = target[:2] - place, (np.cos(facing - yaw), np.sin(facing - yaw))
    held = np.array([cos * x - sin * y, sin * x + cos * y, target[2] + BALL_TOP])
    held[2] -= BALL - np.sqrt(BALL**2 - min(held[0] ** 2 + held[1] ** 2, 0.9 * BALL**2))
    return held


def _set_posture(model: mujoco.MjModel, data: mujoco.MjData, rest: Array, posture: dict[str, float]) -> None:
    """Set head, abdomen and wings; the legs stay as they are."""
    angles = {"head_twist": posture["head"], "head": -0.2 * posture["groom"], "abdomen": 0.3 * posture["abdomen"]}
    angles |= {f"abdomen_{number}": 0.3 * posture["abdomen"] for number in (2, 3, 4)}
    for side in ("left", "right"):
        angles[f"wing_yaw_{side}"] = rest[model.joint(f"wing_yaw_{side}").qposadr[0]] - 1.5 * posture[f"wing_{side}"]
    for name, angle in angles.items():
        joint = model.joint(name)
        data.qpos[joint.qposadr[0]] = np.clip(angle, *joint.range)


def _find_rub(data: mujoco.MjData, stroke: float, sign: int, scale: float) -> Array:
    """Where a foreclaw is that rubs the other one, before the head."""
    thorax = data.body("thorax")
    place = np.array([0.16 + 0.012 * sign * np.sin(stroke), sign * 0.008, -0.075 + 0.012 * sign * np.cos(stroke)])
    return np.asarray(thorax.xpos + thorax.xmat.reshape(3, 3) @ (scale * place))
