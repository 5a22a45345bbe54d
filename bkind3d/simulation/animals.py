"""What an animal of the simulation is: a module with its joints, its behaviours, its body and its motion.

Its row in :data:`bkind3d.config.ANIMALS` names the module and says what the settings have to know of it. Everything else asks
the animal, and :mod:`bkind3d.simulation.checks` tries whether it keeps what is promised here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, cast

import mujoco
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import ANIMALS, SimulatedSubject


@dataclass(frozen=True)
class Take:
    """What an animal is asked for.

    Attributes
    ----------
    frames, rate : length, and frames per second.
    arena : diameter (mm) of the place, around the world's origin, in which the animal stays.
    seed : of the motion.
    behaviours : what it shall do, of its behaviours; what it likes where none are named.
    rest_seconds : how long it rests.
    rest : when it rests: ``begin``, ``middle`` or ``end``.
    """

    frames: int
    rate: float
    arena: float
    seed: int = 0
    behaviours: tuple[str, ...] = ()
    rest_seconds: float = 0.0
    rest: str = "middle"

    def find_rest(self) -> tuple[int, int]:
        """First frame of the rest, and the frame after its last one."""
        share = {"begin": 0.0, "middle": 0.5, "end": 1.0}[self.rest]
        start = max(0, round((self.frames - self.rest_seconds * self.rate) * share))
        return start, min(self.frames, start + round(self.rest_seconds * self.rate))


@dataclass(frozen=True)
class Motion:
    """What moves in a recording, and how.

    Attributes
    ----------
    qpos : (frame, nq) generalised positions of the model; root in the arena's world, metres.
    behaviours : one name per frame.
    places : (frame, 3) places (m), or (frame, 7) with a quaternion behind them, of what is moved as a mocap body, by its name.
    """

    qpos: Float[NDArray, "..."]
    behaviours: list[str] = field(default_factory=list)
    places: Mapping[str, Float[NDArray, "..."]] = field(default_factory=dict)


class Animal(Protocol):
    """The module of an animal, or whatever else has these names."""

    #: Names of the joints whose positions are the truth; the model has a site of each name.
    JOINTS: Collection[str]
    #: Names of what it can do.
    BEHAVIOURS: Collection[str]
    #: Where its front is in the frame of the root's body; the heading is that direction in the floor's plane.
    FRONT: tuple[float, float, float]

    def build_spec(self, subject: SimulatedSubject) -> mujoco.MjSpec:
        """Build the animal with a free joint ``root``, at the subject's size and in its looks (metres), without anything that moves by itself."""

    def move(self, model: mujoco.MjModel, subject: SimulatedSubject, take: Take) -> Motion:
        """Move the animal, which is in `model`, as `take` asks; the same seeds give the same motion."""


def get_animal(kind: str) -> Animal:
    """Look up an animal by its name in the configuration."""
    return cast(Animal, import_module(ANIMALS[kind].module))
