"""What a camera sees besides the animal: floor, light, clutter, and the calibration board.

MuJoCo works in metres; the world is otherwise the one of :mod:`bkind3d.simulation.rigs`.
"""

import cv2
import mujoco
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from bkind3d.config import BoardConfig, SimulatedRig

Image = UInt8[NDArray, "..."]

#: Geoms that are drawn; collision shapes are in group 2.
DRAWN_GROUPS = (0, 1)
_BOARD_PIXELS_PER_SQUARE = 60


def add_material(spec: mujoco.MjSpec, name: str, image: Image, specular: float = 0.05) -> None:
    """Add a material `name` whose 2D texture is `image` (RGB, first row on top)."""
    texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=image.shape[1], height=image.shape[0], nchannel=3)
    texture.data = np.ascontiguousarray(image).tobytes()
    material = spec.add_material(name=name, specular=specular, shininess=0.2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name


def make_noise(rng: np.random.Generator, size: int, grain: float) -> Float[NDArray, "size size"]:
    """(size, size) smooth noise, zero mean and unit variance; `grain` in pixels."""
    # Coarse noise is drawn on a coarse grid: a wide blur would take longer than the rest of the scene.
    coarse = max(4, round(size / max(1.0, grain / 1.5)))
    noise = cv2.GaussianBlur(rng.standard_normal((coarse, coarse)).astype(np.float32), (0, 0), min(grain, 1.5))
    noise = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return noise / noise.std()


def paint_mat(rng: np.random.Generator, size: int, radius: float) -> Image:
    """(size, size, 3) floor: speckled bedding inside a circle of `radius` (share of `size`) with a painted rim."""
    rows, columns = np.mgrid[:size, :size]
    distance = np.hypot(rows - size / 2, columns - size / 2) / size
    grain = 9 * make_noise(rng, size, 1.5) + 7 * make_noise(rng, size, 6) + 8 * make_noise(rng, size, 40)
    inside = np.array([168, 160, 146], np.float32) + grain[..., None] * [1.0, 0.95, 0.85]
    outside = np.array([92, 104, 112], np.float32) + 0.6 * grain[..., None]
    rim = np.array([60, 62, 66], np.float32) + 0.3 * grain[..., None]
    picture = np.where(distance[..., None] < radius, inside, outside)
    picture = np.where(np.abs(distance[..., None] - radius - 0.012) < 0.012, rim, picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def add_arena(spec: mujoco.MjSpec, rig: SimulatedRig, floor: float = 0.0, long_shadows: bool = False) -> None:
    """Add floor, light and clutter of `rig` to `spec`; `floor` is the floor's height in metres."""
    rng = np.random.default_rng([rig.seed, 3])
    arena, world = rig.arena / 1000, spec.worldbody
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    add_material(spec, "mat", paint_mat(rng, 1024, 0.5 / 1.6))
    world.add_geom(type=plane, size=[0.8 * arena, 0.8 * arena, 1], pos=[0, 0, floor], material="mat")
    room = np.kron(np.indices((24, 24)).sum(axis=0) % 2, np.ones((16, 16))) * 14 + 110 + 5 * make_noise(rng, 384, 2)
    add_material(spec, "room", np.clip(room[..., None] * [0.9, 0.8, 0.68], 0, 255).astype(np.uint8))
    world.add_geom(type=plane, size=[6 * arena, 6 * arena, 1], pos=[0, 0, floor - 0.004], material="room")
    for index in range(14):
        angle, distance = 2 * np.pi * (index + rng.uniform(-0.3, 0.3)) / 14, arena * rng.uniform(0.95, 1.6)
        # Low enough that no object hides a part of the arena from a camera behind it.
        height = 0.3 * (distance - 0.75 * arena) * rng.uniform(0.5, 1)
        kind = mujoco.mjtGeom.mjGEOM_BOX if index % 3 else mujoco.mjtGeom.mjGEOM_CYLINDER
        size = [rng.uniform(0.04, 0.1) * arena, height / 2 if index % 3 == 0 else rng.uniform(0.04, 0.14) * arena, height / 2]
        place = [distance * np.cos(angle), distance * np.sin(angle), floor + height / 2]
        world.add_geom(type=kind, size=size, pos=place, euler=[0, 0, rng.uniform(0, 3)], rgba=[*rng.uniform(0.15, 0.75, 3), 1])
    add_light(spec, rng, arena, long_shadows)


def add_light(spec: mujoco.MjSpec, rng: np.random.Generator, arena: float, long_shadows: bool = False) -> None:
    """Add a lamp with a shadow, a weaker one without, and ambient light; tune what costs rendering time."""
    height, angle = (1.3 if long_shadows else 2.2) * arena, rng.uniform(0, 2 * np.pi)
    aside = (1.3 if long_shadows else 0.5) * arena
    place = np.array([aside * np.cos(angle), aside * np.sin(angle), height])
    cutoff = float(np.degrees(np.arctan(0.9 * arena / height))) + 12
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_SPOT, pos=place, dir=-place, cutoff=cutoff, exponent=1,
        diffuse=[0.55, 0.54, 0.5], specular=[0.1] * 3, ambient=[0, 0, 0], castshadow=True,
    )  # fmt: skip
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, dir=[*(0.6 * place[:2] / arena), -1],
        diffuse=[0.25] * 3, specular=[0] * 3, castshadow=False,
    )  # fmt: skip
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse, spec.visual.headlight.specular = [0.38] * 3, [0] * 3, [0] * 3
    # The depth map of the shadow is what costs most per view: 512 gives a soft edge and a third of the default's time.
    spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 512, 0
    spec.visual.map.znear, spec.visual.map.zfar = 0.02, 20
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
