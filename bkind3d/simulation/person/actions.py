"""What the person can do: Human3.6M's fifteen actions, put together from four ways to hold the body and a dozen to hold a hand.

Lengths in m at scale 1, angles in radians.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Base:
    """How the body is held: height of the hips, how far ahead of them and to the side the ankles are, and speed (m/s)."""

    hips: float
    ahead: float
    aside: float
    speed: float = 0.0


BASES = {
    "stand": Base(0.868, 0.0, 0.11),
    "walk": Base(0.825, 0.0, 0.09, 1.0),
    "chair": Base(0.54, 0.40, 0.12),
    "floor": Base(0.13, 0.52, 0.13),
}


@dataclass(frozen=True)
class Hand:
    """Where a wrist is, seen from between the shoulders: to its own side, up, ahead; it swings about there in `hertz`."""

    place: tuple[float, float, float]
    swing: tuple[float, float, float] = (0.01, 0.01, 0.01)
    hertz: float = 0.4


HANDS = {
    "hang": Hand((0.24, -0.43, 0.05)),
    "stride": Hand((0.24, -0.40, 0.04), (0.0, 0.03, 0.17)),  # in step with the opposite leg
    "point": Hand((0.30, 0.06, 0.30), (0.10, 0.05, 0.03), 0.5),
    "gesture": Hand((0.18, -0.14, 0.29), (0.06, 0.09, 0.04), 0.9),
    "wave": Hand((0.34, 0.27, 0.12), (0.10, 0.03, 0.0), 1.6),
    "ear": Hand((0.17, 0.11, 0.09), (0.01, 0.01, 0.01), 0.3),
    "mouth": Hand((0.09, -0.03, 0.25), (0.03, 0.12, -0.04), 0.35),
    "camera": Hand((0.10, 0.12, 0.24), (0.01, 0.02, 0.01), 0.3),
    "hip": Hand((0.27, -0.33, 0.0)),
    "goods": Hand((0.20, -0.22, 0.30), (0.05, 0.10, 0.08), 0.7),
    "pocket": Hand((0.21, -0.39, 0.08)),
    "lap": Hand((0.13, -0.34, 0.27)),
    "knee": Hand((0.15, -0.26, 0.34), (0.02, 0.03, 0.01), 0.3),
    "leash": Hand((0.18, -0.20, 0.32), (0.03, 0.04, 0.06), 1.1),
    "crossed": Hand((0.04, -0.17, 0.24)),
}


@dataclass(frozen=True)
class Action:
    """A base, a way to hold the right and the left hand, and how far trunk and head bend forward and the head turns left."""

    base: str
    right: str
    left: str
    lean: float = 0.05
    nod: float = 0.0
    look: float = 0.0


ACTIONS = {
    "Directions": Action("stand", "point", "hang", look=-0.3),
    "Discussion": Action("stand", "gesture", "gesture"),
    "Eating": Action("chair", "mouth", "lap", lean=0.25, nod=0.2),
    "Greeting": Action("stand", "wave", "hang"),
    "Phoning": Action("stand", "ear", "pocket", nod=0.1, look=0.2),
    "Posing": Action("stand", "hip", "hip", lean=-0.05),
    "Purchases": Action("stand", "goods", "goods", lean=0.4, nod=0.3),
    "Sitting": Action("chair", "lap", "lap"),
    "SittingDown": Action("floor", "knee", "knee", lean=0.35),
    "Smoking": Action("stand", "mouth", "pocket", look=0.2),
    "TakingPhoto": Action("stand", "camera", "camera", lean=0.5, nod=-0.15),
    "Waiting": Action("stand", "crossed", "crossed", nod=0.1),
    "Walking": Action("walk", "stride", "stride"),
    "WalkingDog": Action("walk", "leash", "stride", nod=0.3, look=-0.3),
    "WalkingTogether": Action("walk", "stride", "stride", look=0.5),
}
