"""The rooms in which simulated animals are filmed: numbers alone, which :mod:`bkind3d.simulation.scenes` builds."""

from dataclasses import dataclass

Colour = tuple[float, float, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Room:
    """A room. Lengths are shares of the arena's diameter, angles degrees, colours RGB from 0 to 255.

    Attributes
    ----------
    floor : how the arena's floor is painted (:data:`bkind3d.simulation.floors.FLOORS`).
    inside, outside : colours of the floor in the arena and around it; `ground` is the tint (0 to 1) of that farther out.
    grain : contrast of the floor's texture, relative to the laboratory's.
    mirror : reflectance of the floor.
    clutter : objects around the arena.
    walls : colour of the walls behind the cameras; None without.
    rim : height of a wall around the arena; 0 without.
    cage : height of clear panels around the arena; 0 without.
    lamp : height and distance from the middle of the lamp that casts shadows.
    lit, fill, ambient : brightness of that lamp, of a second one without shadows, and of light from everywhere.
    shadow : pixels of the shadow's map: the more, the harder its edge.
    elevations : of the cameras, in turn; the last one is `overhead` where that is given.
    span : degrees around the arena over which the cameras are spread.
    distance : of the cameras from the middle.
    distortion : k1 of their lenses; negative is a barrel.
    grey : whether the pictures are grey, as with infrared light.
    noise : standard deviation of the pictures' noise, grey levels.
    """

    floor: str = "mat"
    inside: Colour = (168, 160, 146)
    outside: Colour = (92, 104, 112)
    ground: Colour = (0.9, 0.8, 0.68)
    grain: float = 1.0
    mirror: float = 0.0
    clutter: int = 14
    walls: Colour | None = None
    rim: float = 0.0
    cage: float = 0.0
    lamp: Range = (2.2, 0.5)
    lit: float = 0.55
    fill: float = 0.25
    ambient: float = 0.38
    shadow: int = 512
    elevations: tuple[Range, ...] = ((32, 42), (50, 64))
    overhead: Range | None = None
    span: float = 360.0
    distance: Range = (1.35, 1.8)
    distortion: Range = (0.0, 0.0)
    grey: bool = False
    noise: float = 0.0


DEFAULT_ROOM = "laboratory"
#: The rooms, by their names in the settings.
ROOMS = {
    "laboratory": Room(),
    # An even white floor and white walls, in light without hard shadows; cameras look down steeply.
    "bright": Room(
        floor="plain", inside=(226, 226, 222), outside=(206, 208, 210), ground=(1.7, 1.72, 1.75), grain=0.35, clutter=0, walls=(222, 220, 214), lamp=(3.0, 0.2), lit=0.3,
        fill=0.25, ambient=0.5, shadow=256, elevations=((44, 54), (60, 70)), overhead=(84, 88),
    ),
    # A black floor under one lamp, and nothing else that is lit.
    "dark": Room(
        floor="plain", inside=(52, 52, 56), outside=(30, 31, 34), ground=(0.25, 0.25, 0.28), grain=0.5, clutter=6, lamp=(2.0, 0.7), lit=0.75, fill=0.1, ambient=0.3,
        elevations=((28, 38), (45, 58)), noise=2.0,
    ),
    # Coarse bedding in a cage of clear panels.
    "bedding": Room(
        floor="bedding", inside=(186, 156, 112), outside=(120, 116, 110), grain=2.2, cage=0.3, lamp=(2.4, 0.3), clutter=8,
        elevations=((36, 46), (52, 66)), noise=1.0,
    ),
    # Low sun: long, hard shadows; low cameras that see the walls behind the animal.
    "sunny": Room(
        floor="plain", inside=(196, 184, 160), outside=(170, 164, 150), ground=(1.4, 1.35, 1.25), grain=0.8, walls=(176, 190, 204), clutter=10, lamp=(1.1, 1.3), lit=0.7,
        fill=0.15, ambient=0.34, shadow=1024, elevations=((14, 22), (30, 40)),
    ),
    # Infrared light: grey and noisy pictures by wide lenses, all from one side and one from above.
    "infrared": Room(
        floor="mat", inside=(120, 120, 120), outside=(70, 70, 70), ground=(0.5, 0.5, 0.5), rim=0.06, lamp=(2.6, 0.2), lit=0.45, fill=0.2, ambient=0.32, clutter=10,
        elevations=((34, 44), (48, 58)), overhead=(84, 88), span=220, distance=(0.8, 1.0), distortion=(-0.32, -0.22), grey=True, noise=5.0,
    ),
    # Glossy tiles, in which the animal is mirrored.
    "tiles": Room(
        floor="tiles", inside=(150, 156, 160), outside=(110, 104, 98), mirror=0.22, walls=(196, 180, 160), lamp=(2.2, 0.6), lit=0.5, shadow=1024,
        elevations=((24, 34), (42, 56)), distortion=(-0.1, -0.04),
    ),
}  # fmt: skip
