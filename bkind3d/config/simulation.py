"""Recordings that are rendered instead of filmed."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from bkind3d.config.rooms import DEFAULT_ROOM, ROOMS
from bkind3d.config.sections import Name, Section


@dataclass(frozen=True)
class AnimalKind:
    """What the settings know of a kind of animal.

    Attributes
    ----------
    module : has its body and its motion (:class:`bkind3d.simulation.animals.Animal`).
    arena : diameter (mm) of the smallest arena for it, at scale 1.
    arena_height : up to where (mm) the cameras have to see the arena, at scale 1; to the top of the animal as it walks.
    """

    module: str
    arena: float
    arena_height: float


#: The animals, by their names in the settings.
ANIMALS = {
    "rodent": AnimalKind("bkind3d.simulation.rodent", arena=440, arena_height=80),
    "deer": AnimalKind("bkind3d.simulation.deer", arena=3200, arena_height=1100),
    "fly": AnimalKind("bkind3d.simulation.fly", arena=14, arena_height=2.5),
    "tethered_fly": AnimalKind("bkind3d.simulation.fly.tethered", arena=12, arena_height=8),
    "person": AnimalKind("bkind3d.simulation.person", arena=2500, arena_height=1700),
}


class SimulatedRig(Section):
    """A simulated rig of cameras around an arena."""

    cameras: int = Field(6, ge=2, le=12, description="Number of cameras.")
    width: int = Field(320, ge=64, le=4096, description="Width of the pictures in pixels.")
    height: int = Field(256, ge=64, le=4096, description="Height of the pictures in pixels.")
    rate: float = Field(30.0, gt=0, le=1000, description="Frames per second.")
    arena: float = Field(700.0, gt=0, description="Diameter of the arena in millimetres.")
    arena_height: float = Field(160.0, gt=0, description="Height in millimetres up to which all cameras see the arena: a rearing rat's.")
    room: Literal[tuple(ROOMS)] = Field(DEFAULT_ROOM, description="Floor, walls, light, lenses, and how the cameras stand.")  # type: ignore[valid-type]
    board: Name = Field("charuco", description="Board (a key of `boards`) that is moved through the rig.")
    board_frames: int = Field(36, ge=10, le=1000, description="Frames of the board videos; in frame 0 the board lies on the floor.")
    seed: int = Field(0, ge=0, description="Seed of camera positions, lenses, light and board motion.")

    @model_validator(mode="after")
    def check_even_size(self) -> "SimulatedRig":
        if self.width % 2 or self.height % 2:
            raise ValueError(f"width {self.width} and height {self.height} must be even for the videos' format (H.264, yuv420p)")
        return self


class SimulatedSubject(Section):
    """A simulated animal."""

    animal: Literal[tuple(ANIMALS)] = Field("rodent", description="Kind of animal.")  # type: ignore[valid-type]
    scale: float = Field(1.0, ge=0.5, le=2, description="Size relative to the model.")
    coat: Literal["brown", "white", "black", "hooded", "grey"] = Field("brown", description="Colour of the fur, where there is one.")
    seed: int = Field(0, ge=0, description="Seed of the animal's habits.")


class SimulatedSession(Section):
    """A simulated recording."""

    subject: Name = Field(description="A key of `simulation.subjects`.")
    rig: Name = Field(description="A key of `simulation.rigs`.")
    frames: int = Field(300, ge=10, description="Length of the recording in frames.")
    seed: int = Field(0, ge=0, description="Seed of the motion.")
    behaviours: tuple[str, ...] = Field((), description="What the animal does, of its behaviours; what it likes where none are named.")
    pace: float = Field(1.0, ge=0.25, le=4, description="How many times as fast as usual it moves.")
    motion: str = Field(
        "",
        description="File of measured motion that the subject follows: a table of joints with the names of the animal's, `units` and `rate` "
        "in its metadata, z up. Empty: the animal does what it likes.",
    )
    rest_seconds: float = Field(0.0, ge=0, description="The animal rests for so long.")
    rest: Literal["begin", "middle", "end"] = Field("middle", description="When it rests.")
    silhouette_step: int = Field(10, ge=1, description="True silhouettes are kept of every so many frames; each costs a rendering.")
    bystander: Literal["none", "behind", "inside"] = Field(
        "none", description="Somebody else who walks back and forth, behind the arena's rim or inside of it."
    )
    long_shadows: bool = Field(False, description="Whether the lamp stands low: long and dark shadows.")
    flicker: float = Field(0.0, ge=0, le=0.5, description="Largest change of the light between frames, as a share of it.")
    drift: float = Field(0.0, ge=0, le=0.5, description="The light changes slowly by this share, up and down, from begin to end.")
    blocked_cameras: int = Field(0, ge=0, le=12, description="Cameras that are blocked for a while, one after the other.")


class SimulationConfig(Section):
    """Recordings that are rendered instead of filmed: the demo, and scenes whose truth is known."""

    rigs: dict[Name, SimulatedRig] = Field(default_factory=dict)
    subjects: dict[Name, SimulatedSubject] = Field(default_factory=dict)
    sessions: dict[Name, SimulatedSession] = Field(default_factory=dict)

    @model_validator(mode="after")
    def check_references(self) -> "SimulationConfig":
        for name, session in self.sessions.items():
            if session.subject not in self.subjects:
                raise ValueError(f"sessions.{name}.subject {session.subject!r} is not among the subjects {sorted(self.subjects)}")
            if session.rig not in self.rigs:
                raise ValueError(f"sessions.{name}.rig {session.rig!r} is not among the rigs {sorted(self.rigs)}")
            subject, rig = self.subjects[session.subject], self.rigs[session.rig]
            for key in ("arena", "arena_height"):
                size, least = getattr(rig, key), getattr(ANIMALS[subject.animal], key) * subject.scale
                if size < least:
                    raise ValueError(f"rigs.{session.rig}.{key} {size:g} is too small for {session.subject}, who needs {least:g} mm")
            if session.blocked_cameras > rig.cameras:
                raise ValueError(f"sessions.{name}.blocked_cameras {session.blocked_cameras} are more than rig {session.rig!r} has")
        return self
