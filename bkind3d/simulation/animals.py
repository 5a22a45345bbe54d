"""The kinds of animals that can be simulated.

An animal is one module: a body (:meth:`Animal.build_spec`) and how it moves (:meth:`Animal.move`). To add a person, a
fly or a dog, write such a module, add it to :func:`get_animal` and to the choices of ``SimulatedSubject.animal``.
"""

from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from bkind3d.config import SimulatedRig, SimulatedSession, SimulatedSubject


@dataclass(frozen=True)
class Motion:
    """What an animal does during a recording.

    Attributes
    ----------
    qpos : (frame, nq) generalised positions of its model; root in the arena's world, metres.
    behaviours : one name per frame.
    """

    qpos: NDArray[np.float64]
    behaviours: list[str]


class Animal(Protocol):
    """A body and its motions."""

    #: Names of the joints whose positions are the truth; the model has a site of each name.
    joints: tuple[str, ...]

    def build_spec(self, subject: SimulatedSubject) -> mujoco.MjSpec:
        """Build the animal with a free root, at the subject's size and in its coat (metres)."""

    def move(self, model: mujoco.MjModel, session: SimulatedSession, subject: SimulatedSubject, rig: SimulatedRig) -> Motion:
        """Move the animal through the arena of `rig`; the same seeds give the same motion."""


def get_animal(kind: str) -> Animal:
    """Look up an animal by its name in the configuration."""
    from bkind3d.simulation.rodent import Rodent

    return {"rodent": Rodent()}[kind]
