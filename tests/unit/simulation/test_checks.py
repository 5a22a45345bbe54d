"""The checks pass for every animal of the table, and fail for one that breaks what they ask."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from bkind3d.config import ANIMALS, AnimalKind, SimulatedSubject
from bkind3d.simulation.animals import Motion, Take, get_animal
from bkind3d.simulation.checks import CHECKS, check_behaviours, check_body, check_motion, check_pictures, check_rest, check_seeds

KIND = AnimalKind("", arena=400, arena_height=60)


def make_worm(sink: float = 0.0, aside: float = 0.0, seeded: bool = True, restless: bool = False, scaled: bool = True) -> SimpleNamespace:
    """A worm of two capsules that crawls and coils, and may break a rule."""

    def build_spec(subject: SimulatedSubject) -> mujoco.MjSpec:
        size = subject.scale if scaled else 1.0
        spec = mujoco.MjSpec()
        front = spec.worldbody.add_body(name="front")
        front.add_freejoint(name="root")
        rear = front.add_body(name="rear", pos=[-0.05 * size, 0, 0])
        rear.add_joint(name="waist", axis=[0, 0, 1], range=[-90, 90], limited=True)
        for body in (front, rear):
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE,
                fromto=[0, 0, 0, -0.05 * size, 0, 0],
                size=[0.015 * size, 0, 0],
                rgba=[0.9, 0.3, 0.3, 1],
            )
        for body, name, x in ((front, "Head", 0.0), (rear, "Waist", 0.0), (rear, "Tail", -0.05)):
            body.add_site(name=name, pos=[x * size, aside, 0])
        return spec

    def move(model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
        rng = np.random.default_rng([take.seed, subject.seed] if seeded else None)
        behaviours = take.behaviours or ("crawl", "coil")
        labels = [behaviours[frame * len(behaviours) // take.frames] for frame in range(take.frames)]
        first, end = take.find_rest()
        speed = 0.001 * (np.array(labels) == "crawl")
        if restless:
            speed[:] = 0.002
        else:
            speed[first:end], labels[first:end] = 0, labels[first : first + 1] * (end - first)
        qpos, heading = np.zeros((take.frames, model.nq)), rng.uniform(-np.pi, np.pi)
        qpos[:, :2] = np.cumsum(speed)[:, None] * [np.cos(heading), np.sin(heading)]
        qpos[:, 2], qpos[:, 3], qpos[:, 6] = 0.015 - sink, np.cos(heading / 2), np.sin(heading / 2)
        qpos[:, 7] = 0.3 * (np.array(labels) == "coil")
        return Motion(qpos, labels)

    return SimpleNamespace(
        JOINTS=("Head", "Waist", "Tail"), BEHAVIOURS=("crawl", "coil"), FRONT=(1.0, 0.0, 0.0), build_spec=build_spec, move=move
    )


@pytest.mark.usefixtures("drawing")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ANIMALS)
def test_every_animal_keeps_what_is_promised(name: str, check) -> None:
    check(get_animal(name), ANIMALS[name])


@pytest.mark.usefixtures("drawing")
def test_an_animal_of_one_function_each_passes() -> None:
    for check in CHECKS:
        check(make_worm(), KIND)


@pytest.mark.parametrize(
    ("check", "faults", "message"),
    [
        (check_body, {"scaled": False}, "not where the subject's scale"),
        (check_seeds, {"seeded": False}, "the same seeds gave two motions"),
        (check_motion, {"sink": 0.03}, "below the floor"),
        (check_rest, {"restless": True}, "moves while it should rest"),
    ],
)
def test_what_breaks_a_rule_is_found(check, faults: dict, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check(make_worm(**faults), KIND)


def test_a_behaviour_that_is_never_shown_is_found() -> None:
    worm = make_worm()
    worm.move = lambda *arguments: make_worm().move(*arguments[:2], Take(20, 30.0, 400.0, behaviours=("crawl",)))
    with pytest.raises(AssertionError, match="coil: is asked for and not shown"):
        check_behaviours(worm, KIND)


@pytest.mark.usefixtures("drawing")
def test_joints_beside_the_body_are_found() -> None:
    with pytest.raises(AssertionError, match="of the joints are on the silhouettes"):
        check_pictures(make_worm(aside=0.05), KIND)
