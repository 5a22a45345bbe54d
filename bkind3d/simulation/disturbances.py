"""What makes a recording hard to read, repeatably: somebody else, restless light, noise, cameras that are blocked for a while."""

import zlib
from dataclasses import dataclass, field

import cv2
import mujoco
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bkind3d.config import ROOMS, SimulatedRig, SimulatedSession

#: Size (m at an arena of 1 m) and way of the bystander: how far from the arena's centre it walks, and how fast (m/s at 1 m).
_WAYS = {"behind": {"height": 0.24, "distance": 0.72, "speed": 0.35}, "inside": {"height": 0.1, "distance": 0.3, "speed": 0.3}}
#: Grey level of what blocks a camera.
_CLOTH = 70


@dataclass(frozen=True)
class Disturbances:
    """What disturbs a recording.

    Attributes
    ----------
    gains : (frame,) factor on the light; none is 1 throughout.
    blocked : first frame, and the frame after the last one, in which a camera sees only what is held in front of it.
    bystander : (frame, 3) where the somebody else stands, world (m).
    bystander_height : in metres; 0 without a bystander.
    long_shadows : whether the lamp stands low.
    grey, noise : of the room's pictures; `seed` is the noise's.
    """

    gains: Float[NDArray, "frame"] | None = None
    blocked: dict[str, tuple[int, int]] = field(default_factory=dict)
    bystander: Float[NDArray, "frame 3"] | None = None
    bystander_height: float = 0.0
    long_shadows: bool = False
    grey: bool = False
    noise: float = 0.0
    seed: int = 0


def plan_disturbances(session: SimulatedSession, rig: SimulatedRig, cameras: list[str]) -> Disturbances:
    """Draw what disturbs the recording of `session`; the same seeds give the same disturbances."""
    rng = np.random.default_rng([session.seed, rig.seed, 31])
    share = np.linspace(-1, 1, session.frames)
    # Lamps flicker from frame to frame; clouds and exposure control take seconds.
    fast, slow = rng.uniform(-1, 1, session.frames), gaussian_filter1d(rng.standard_normal(session.frames), rig.rate, mode="wrap")
    gains = 1 + session.flicker * (0.6 * fast + 0.4 * slow / max(np.abs(slow).max(), 1e-9)) + session.drift * share
    # One camera after the other, with everything in sight before, between and after.
    borders = np.linspace(0, session.frames, 2 * session.blocked_cameras + 2).round().astype(int)[1:-1].reshape(-1, 2)
    chosen = rng.permutation(cameras)[: session.blocked_cameras].tolist()
    blocked = {name: (int(first), int(end)) for name, (first, end) in zip(chosen, borders, strict=True)}
    changed = bool(session.flicker or session.drift)
    walk = None if session.bystander == "none" else _plan_walk(rng, session, rig)
    room = ROOMS[rig.room]
    height = 0.0 if walk is None else _WAYS[session.bystander]["height"] * rig.arena / 1000
    return Disturbances(gains if changed else None, blocked, walk, height, session.long_shadows, room.grey, room.noise, session.seed)


def _plan_walk(rng: np.random.Generator, session: SimulatedSession, rig: SimulatedRig) -> Float[NDArray, "frame 3"]:
    """(frame, 3) back and forth on a quarter of a circle around the arena, or inside of it; world (m)."""
    way, arena = _WAYS[session.bystander], rig.arena / 1000
    distance = way["distance"] * arena
    travelled = rng.uniform(0, 4) * distance + way["speed"] * arena * np.arange(session.frames) / rig.rate
    arc = 0.5 * np.pi * distance
    there = np.abs((travelled + arc) % (2 * arc) - arc) / arc
    angle = rng.uniform(0, 2 * np.pi) + 0.5 * np.pi * gaussian_filter1d(there, 0.2 * rig.rate, mode="nearest")
    return np.stack([distance * np.cos(angle), distance * np.sin(angle), np.zeros_like(angle)], axis=1)


def add_bystander(spec: mujoco.MjSpec, height: float) -> None:
    """Add somebody `height` metres tall to `spec`: a trunk in a coloured coat and a head, moved as a mocap body."""
    body = spec.worldbody.add_body(name="bystander", mocap=True)
    ellipsoid = mujoco.mjtGeom.mjGEOM_ELLIPSOID
    body.add_geom(type=ellipsoid, size=[0.26 * height, 0.2 * height, 0.4 * height], pos=[0, 0, 0.4 * height], rgba=[0.2, 0.28, 0.55, 1])
    body.add_geom(type=ellipsoid, size=[0.12 * height] * 3, pos=[0, 0, 0.88 * height], rgba=[0.75, 0.55, 0.45, 1])


def disturb_picture(
    picture: UInt8[NDArray, "height width 3"], frame: int, camera: str, disturbances: Disturbances
) -> UInt8[NDArray, "height width 3"]:
    """What the `camera` really shows in `frame`: in the light of that moment, or the swaying cloth before the lens."""
    first, end = disturbances.blocked.get(camera, (0, 0))
    if first <= frame < end:
        rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
        folds = _CLOTH + 8 * np.sin(columns / 17 + 0.1 * frame) + 4 * np.sin((rows + columns) / 31 - 0.05 * frame)
        return (folds[..., None] * [1.0, 0.9, 0.85]).astype(np.uint8)
    if disturbances.gains is not None:
        picture = np.asarray(cv2.convertScaleAbs(picture, alpha=float(disturbances.gains[frame])), dtype=np.uint8)
    if disturbances.grey:
        picture = np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if disturbances.noise:
        rng = np.random.default_rng([disturbances.seed, frame, zlib.crc32(camera.encode()), 32])
        noise = disturbances.noise * rng.standard_normal((*picture.shape[:2], 1 if disturbances.grey else 3), np.float32)
        picture = np.clip(picture + noise + 0.5, 0, 255).astype(np.uint8)
    return picture
