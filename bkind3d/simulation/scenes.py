"""What a camera sees besides the animal: floor, light, clutter, and the calibration board.

MuJoCo works in metres; the world is otherwise the one of :mod:`bkind3d.simulation.rigs`.
"""

from typing import Any

import cv2
import mujoco
import numpy as np

from bkind3d.config import ROOMS, BoardConfig, Room, SimulatedRig
from bkind3d.simulation.floors import FLOORS, Image, make_noise

#: Geoms that are drawn; collision shapes are in group 2.
DRAWN_GROUPS = (0, 1)
_BOARD_PIXELS_PER_SQUARE = 60


def add_material(spec: mujoco.MjSpec, name: str, image: Image, specular: float = 0.05) -> mujoco.MjsMaterial:
    """Add a material `name` whose 2D texture is `image` (RGB, first row on top), and give it."""
    texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=image.shape[1], height=image.shape[0], nchannel=3)
    texture.data = np.ascontiguousarray(image).tobytes()
    material = spec.add_material(name=name, specular=specular, shininess=0.2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    return material


def add_arena(spec: mujoco.MjSpec, rig: SimulatedRig, floor: float = 0.0, long_shadows: bool = False) -> None:
    """Add floor, light, walls and clutter of the room of `rig` to `spec`; `floor` is the floor's height in metres."""
    rng, room = np.random.default_rng([rig.seed, 3]), ROOMS[rig.room]
    arena, world = rig.arena / 1000, spec.worldbody
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    add_material(spec, "mat", FLOORS[room.floor](rng, 1024, 0.5 / 1.6, room)).reflectance = room.mirror
    world.add_geom(type=plane, size=[0.8 * arena, 0.8 * arena, 1], pos=[0, 0, floor], material="mat")
    around = np.kron(np.indices((24, 24)).sum(axis=0) % 2, np.ones((16, 16))) * 14 + 110 + 5 * make_noise(rng, 384, 2)
    add_material(spec, "room", np.clip(around[..., None] * room.ground, 0, 255).astype(np.uint8))
    # Beneath the arena's floor by too little to be seen, and by too much to flicker.
    world.add_geom(type=plane, size=[6 * arena, 6 * arena, 1], pos=[0, 0, floor - min(0.004, 0.01 * arena)], material="room")
    for index in range(room.clutter):
        angle, distance = 2 * np.pi * (index + rng.uniform(-0.3, 0.3)) / room.clutter, arena * rng.uniform(0.95, 1.6)
        # Low enough that no object hides a part of the arena from a camera behind it.
        height = 0.3 * (distance - 0.75 * arena) * rng.uniform(0.5, 1)
        kind = mujoco.mjtGeom.mjGEOM_BOX if index % 3 else mujoco.mjtGeom.mjGEOM_CYLINDER
        size = [rng.uniform(0.04, 0.1) * arena, height / 2 if index % 3 == 0 else rng.uniform(0.04, 0.14) * arena, height / 2]
        place = [distance * np.cos(angle), distance * np.sin(angle), floor + height / 2]
        world.add_geom(type=kind, size=size, pos=place, euler=[0, 0, rng.uniform(0, 3)], rgba=[*rng.uniform(0.15, 0.75, 3), 1])
    _add_walls(spec, room, arena, floor)
    add_light(spec, rng, arena, room, long_shadows)


def _add_walls(spec: mujoco.MjSpec, room: Room, arena: float, floor: float) -> None:
    """Add what stands upright: walls behind the cameras, a rim around the arena, or the clear panels and posts of a cage."""
    if room.walls is not None:
        # They glow, for light from a lamp that grazes them would show the grid of its shadows' map.
        spec.add_material(name="walls", emission=2.2, specular=0, rgba=[*(0.3 * np.array(room.walls) / 255), 1])
        _add_ring(spec, 8, 2.6 * arena, 3.2 * arena, floor, material="walls")
    if room.rim:
        _add_ring(spec, 24, 0.53 * arena, room.rim * arena, floor, rgba=[0.3, 0.3, 0.32, 1])
    if room.cage:
        half, height = 0.54 * arena, room.cage * arena
        _add_ring(spec, 4, half, height, floor, rgba=[0.85, 0.9, 0.92, 0.13])
        for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            spec.worldbody.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.008 * arena, 0.008 * arena, height / 2], pos=[x * half, y * half, floor + height / 2],
                rgba=[0.5, 0.52, 0.55, 1],
            )  # fmt: skip


def _add_ring(spec: mujoco.MjSpec, sides: int, radius: float, height: float, floor: float, **looks: Any) -> None:
    """Add upright panels, which stand as a regular polygon around the middle; `looks` are their colour or material."""
    thick, half = 0.004 * radius, radius * np.tan(np.pi / sides)
    for index in range(sides):
        angle = 2 * np.pi * index / sides
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[thick, half, height / 2],
            pos=[radius * np.cos(angle), radius * np.sin(angle), floor + height / 2], quat=[np.cos(angle / 2), 0, 0, np.sin(angle / 2)],
            **looks,
        )  # fmt: skip


def add_light(spec: mujoco.MjSpec, rng: np.random.Generator, arena: float, room: Room, long_shadows: bool = False) -> None:
    """Add a lamp with a shadow, a weaker one without, and ambient light; tune what costs rendering time."""
    high, far = (1.3, 1.3) if long_shadows else room.lamp
    height, angle = high * arena, rng.uniform(0, 2 * np.pi)
    aside = far * arena
    place = np.array([aside * np.cos(angle), aside * np.sin(angle), height])
    cutoff = float(np.degrees(np.arctan(0.9 * arena / height))) + 12
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_SPOT, pos=place, dir=-place, cutoff=cutoff, exponent=1,
        diffuse=room.lit * np.array([1, 0.54 / 0.55, 0.5 / 0.55]), specular=[0.1] * 3, ambient=[0, 0, 0], castshadow=True,
    )  # fmt: skip
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, dir=[*(0.6 * place[:2] / arena), -1],
        diffuse=[room.fill] * 3, specular=[0] * 3, castshadow=False,
    )  # fmt: skip
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse, spec.visual.headlight.specular = [room.ambient] * 3, [0] * 3, [0] * 3
    # The depth map of the shadow is what costs most per view: 512 gives a soft edge and a third of the default's time.
    spec.visual.quality.shadowsize, spec.visual.quality.offsamples = room.shadow, 0
    # What is nearer or farther is not drawn; arenas of flies are as small as those of large animals are large.
    spec.visual.map.znear = 0.02 * min(1.0, arena / 0.4)
    spec.visual.map.zfar = 20 * min(1.0, arena / 0.4) * max(1.0, arena / 1.6)
    spec.stat.extent, spec.stat.center = 1.0, [0, 0, 0]


def make_charuco(board: BoardConfig) -> cv2.aruco.CharucoBoard:
    """OpenCV's description of `board` (object points in the rig's units)."""
    name = f"DICT_{board.marker_bits}X{board.marker_bits}_{board.dictionary_size}"
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))
    charuco = cv2.aruco.CharucoBoard((board.squares_x, board.squares_y), board.square_length, board.marker_length, dictionary)
    charuco.setLegacyPattern(board.legacy_pattern == "true")
    return charuco


def make_board_spec(rig: SimulatedRig, board: BoardConfig) -> mujoco.MjSpec:
    """Scene with the arena and a plate whose body frame ``board`` is OpenCV's frame of the printed side (metres)."""
    spec = mujoco.MjSpec()
    # The printed side of the flat board defines height 0, so the floor lies the plate's thickness lower.
    add_arena(spec, rig, floor=-0.003)
    width, height = board.squares_x * board.square_length / 1000, board.squares_y * board.square_length / 1000
    pixels = (board.squares_x * _BOARD_PIXELS_PER_SQUARE, board.squares_y * _BOARD_PIXELS_PER_SQUARE)
    picture = make_charuco(board).generateImage(pixels, marginSize=0, borderBits=1)
    add_material(spec, "print", np.repeat((0.9 * picture).astype(np.uint8)[..., None], 3, axis=2), specular=0)
    body = spec.worldbody.add_body(name="board", mocap=True)
    # A plane shows its texture on its +z side; half a turn about x makes that the board's -z side, and its +y up the print.
    x, y = width / 2, height / 2
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[x, y, 1], pos=[x, y, 0], quat=[0, 1, 0, 0], material="print")
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[x + 0.008, y + 0.008, 0.00125], pos=[x, y, 0.00175], rgba=[0.9, 0.9, 0.9, 1])
    return spec
