"""What is asked of every animal: run over all rows of the table by the tests, and by whoever writes an animal.

``for check in CHECKS: check(animal, kind)`` says with an AssertionError what is wrong.
"""

import cv2
import mujoco
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from bkind3d.config import AnimalKind, SimulatedRig, SimulatedSubject
from bkind3d.simulation.animals import Animal, Motion, Take
from bkind3d.simulation.filming import Stage, film_positions
from bkind3d.simulation.rigs import make_cameras
from bkind3d.simulation.scenes import add_arena

_RATE = 30.0
#: Where a joint may be beside a silhouette: within so many pixels; and the share of the joints that has to be on it.
_NEAR, _LEAST_ON = 1, 0.9


def check_body(animal: Animal, kind: AnimalKind) -> None:
    """The model has a free root, a site per joint and nothing that moves by itself; its size follows the subject's, not its joints' angles."""
    small, large = (animal.build_spec(SimulatedSubject(scale=scale)).compile() for scale in (0.8, 1.2))
    assert small.joint("root").type[0] == mujoco.mjtJoint.mjJNT_FREE and small.joint("root").qposadr[0] == 0, (
        "no free root that comes first"
    )
    assert not (small.nu or small.nsensor or small.ntendon or small.ncam), "actuators, sensors, tendons or cameras are left in the model"
    assert len(set(animal.JOINTS)) == len(animal.JOINTS) > 0, f"names of joints are none or twice: {list(animal.JOINTS)}"
    places, larger = (film_positions(model, model.qpos0[None], animal.JOINTS)[0] for model in (small, large))
    places, larger = places - places.mean(axis=0), larger - larger.mean(axis=0)
    assert np.allclose(larger, 1.5 * places, atol=0.01 * np.abs(larger).max()), "joints are not where the subject's scale has them"


def check_seeds(animal: Animal, kind: AnimalKind) -> None:
    """The same seeds give the same motion; another seed of the take, or of the subject, gives another one."""
    first, again, other, brother = (
        _perform(animal, kind, seed=seed, subject=subject)[1] for seed, subject in ((1, 1), (1, 1), (2, 1), (1, 2))
    )
    assert np.array_equal(first.qpos, again.qpos), "the same seeds gave two motions"
    assert first.behaviours == again.behaviours, "the same seeds gave two orders of behaviours"
    assert not np.allclose(first.qpos, other.qpos), "the take's seed changes nothing"
    assert not np.allclose(first.qpos, brother.qpos), "the subject's seed changes nothing"


def check_behaviours(animal: Animal, kind: AnimalKind) -> None:
    """Every frame has a behaviour with a name, and each behaviour that is asked for is shown."""
    assert len(set(animal.BEHAVIOURS)) == len(animal.BEHAVIOURS) > 0, f"names of behaviours are none or twice: {list(animal.BEHAVIOURS)}"
    for name in animal.BEHAVIOURS:
        motion = _perform(animal, kind, frames=20, behaviours=(name,))[1]
        assert len(motion.qpos) == len(motion.behaviours) == 20, f"{name}: not one state and one behaviour per frame"
        assert name in motion.behaviours, f"{name}: is asked for and not shown"
        assert set(motion.behaviours) <= set(animal.BEHAVIOURS), f"{name}: unknown behaviours {set(motion.behaviours)}"


def check_motion(animal: Animal, kind: AnimalKind) -> None:
    """In the smallest arena, too, the animal stays inside, on the floor and within the limits of its joints, and does not jump."""
    model, motion = _perform(animal, kind)
    assert np.isfinite(motion.qpos).all(), "positions that are no numbers"
    limited = np.flatnonzero(model.jnt_limited)
    angles, limits = motion.qpos[:, model.jnt_qposadr[limited]], model.jnt_range[limited]
    assert ((angles > limits[:, 0] - 1e-6) & (angles < limits[:, 1] + 1e-6)).all(), "a joint leaves its limits"
    joints = film_positions(model, motion.qpos, animal.JOINTS)
    assert np.linalg.norm(joints[..., :2], axis=-1).max() < kind.arena / 2, "a joint leaves the arena"
    assert joints[..., 2].min() > -0.02 * kind.arena_height, "a joint is below the floor"
    lowest = joints[..., 2].min(axis=1)
    assert np.median(lowest) < 0.3 * kind.arena_height, "no joint is near the floor"
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    assert steps.max() < 0.5 * kind.arena_height, "a joint jumps from one frame to the next"


def check_rest(animal: Animal, kind: AnimalKind) -> None:
    """In the middle of a take in which it rests, the animal hardly moves."""
    model, motion = _perform(animal, kind, frames=120, rest=2.0)
    middle = film_positions(model, motion.qpos[50:70], animal.JOINTS)
    assert np.ptp(middle.mean(axis=1), axis=0).max() < 0.05 * kind.arena_height, "it moves while it should rest"


def check_pictures(animal: Animal, kind: AnimalKind) -> None:
    """The joints lie on the silhouettes, which are neither nothing nor all of a picture; looks follow from the subject's seed."""
    rig = SimulatedRig(cameras=3, width=240, height=192, arena=kind.arena, arena_height=max(kind.arena_height, 0.36 * kind.arena))
    cameras, (_, motion) = make_cameras(rig), _perform(animal, kind, frames=10)
    spec = animal.build_spec(SimulatedSubject(seed=1))
    add_arena(spec, rig)
    model, shares = spec.compile(), []
    joints = film_positions(model, motion.qpos, animal.JOINTS)
    with Stage(model, cameras) as stage:
        for frame in stage.play(motion):
            for name, camera in cameras.items():
                mask = stage.render_silhouette(camera)
                assert 0 < (mask > 0).mean() < 0.5, f"{name}: the silhouette covers {(mask > 0).mean():.0%} of the picture"
                shares.append(_find_share_on(mask, np.c_[joints[frame], np.ones(joints.shape[1])] @ camera.projection.T))
    assert np.mean(shares) > _LEAST_ON, f"{np.mean(shares):.0%} of the joints are on the silhouettes"


CHECKS = (check_body, check_seeds, check_behaviours, check_motion, check_rest, check_pictures)


def _perform(
    animal: Animal, kind: AnimalKind, frames: int = 60, seed: int = 1, subject: int = 1, behaviours: tuple[str, ...] = (), rest: float = 0.0
) -> tuple[mujoco.MjModel, Motion]:
    """The animal at scale 1 alone, and its motion in the smallest arena."""
    of = SimulatedSubject(seed=subject)
    model = animal.build_spec(of).compile()
    return model, animal.move(model, of, Take(frames, _RATE, kind.arena, seed, behaviours, rest))


def _find_share_on(mask: UInt8[NDArray, "..."], projected: Float[NDArray, "..."]) -> float:
    """Which share of homogeneous pixels is on a mask, or next to it."""
    columns, rows = np.round(projected[:, :2] / projected[:, 2:]).astype(int).T
    inside = (rows >= 0) & (columns >= 0) & (rows < mask.shape[0]) & (columns < mask.shape[1])
    grown = cv2.dilate(mask, np.ones((2 * _NEAR + 1, 2 * _NEAR + 1), np.uint8))
    return float(inside.mean() * (grown[rows[inside], columns[inside]] > 0).mean()) if inside.any() else 0.0
