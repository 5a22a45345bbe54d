"""How an animal spends its time and finds its way: bouts of behaviours, walks to places inside of an arena, turns on the spot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from bkind3d.geometry.cameras import Array

#: A behaviour (an index), its first frame, and the frame after its last one.
Bout = tuple[int, int, int]


@dataclass(frozen=True)
class Roaming:
    """How a kind of animal roams; what it does is one of ``durations``, and its label the index there.

    Attributes
    ----------
    durations : shortest and longest bout of each behaviour in seconds.
    paces : slowest and fastest pace (m/s at scale 1) of those behaviours that lead to another place.
    turn : the behaviour of turning on the spot; `rest` that of standing still.
    spin : slowest and fastest turn on the spot (radians per second), during which the animal creeps ahead at `creep` (m/s).
    near : how close (m) to a place is there.
    """

    durations: Mapping[str, tuple[float, float]]
    paces: Mapping[str, tuple[float, float]]
    turn: str = "turn"
    rest: str = "rest"
    spin: tuple[float, float] = (1.5, 2.4)
    creep: float = 0.015
    near: float = 0.05

    @property
    def behaviours(self) -> tuple[str, ...]:
        """Names of the behaviours, in the order of their labels."""
        return tuple(self.durations)


def make_wander(rng: np.random.Generator, n_frames: int, rate: float, seconds: float) -> Array:
    """(frame,) smooth noise of unit variance that forgets itself within about `seconds`."""
    pad = int(4 * seconds * rate) + 1
    noise = gaussian_filter1d(rng.standard_normal(n_frames + 2 * pad), seconds * rate)[pad:-pad]
    return np.asarray(noise * np.sqrt(2 * np.sqrt(np.pi) * seconds * rate))


def plan_bouts(rng: np.random.Generator, roaming: Roaming, n_frames: int, rate: float, names: Sequence[str] = ()) -> list[Bout]:
    """Bouts as (behaviour, first frame, end): the behaviours of `names` (all where none are named) in a new order again and again, none twice in a row."""
    bouts: list[Bout] = []
    start, known = 0, roaming.behaviours
    while start < n_frames:
        order = rng.permutation([known.index(name) for name in names or known])
        if bouts and order[0] == bouts[-1][0]:
            order = np.roll(order, 1)
        for behaviour in order:
            end = min(n_frames, start + max(2, round(rng.uniform(*roaming.durations[known[behaviour]]) * rate)))
            if start < n_frames:
                bouts.append((int(behaviour), start, end))
            start = end
    return bouts


def insert_rest(bouts: Sequence[Bout], roaming: Roaming, start: int, end: int) -> list[Bout]:
    """Replace what the animal does from `start` to `end` by one rest; the bouts that this cuts are shortened."""
    before = [(behaviour, first, min(last, start)) for behaviour, first, last in bouts if first < start]
    after = [(behaviour, max(first, end), last) for behaviour, first, last in bouts if last > end]
    return [*before, (roaming.behaviours.index(roaming.rest), start, end), *after]


def plan_path(
    rng: np.random.Generator, roaming: Roaming, bouts: Sequence[Bout], rate: float, scale: float, radius: float
) -> dict[str, Array]:
    """Walk to places inside a circle of `radius` (m) and turn on the spot: ``label, x, y, yaw, speed, turning``.

    Before a walk to a place that is not ahead the animal turns, and that is what the label then says.
    """
    place, yaw = rng.uniform(-0.4, 0.4, 2) * radius, rng.uniform(-np.pi, np.pi)
    speed = turning = 0.0
    known, turn, (usual, *_) = roaming.behaviours, roaming.behaviours.index(roaming.turn), roaming.paces.values()
    labels, rows = [], []
    for behaviour, start, end in bouts:
        target, pivoting = pick_target(rng, place, yaw, radius), False
        goes = known[behaviour] in roaming.paces
        pace, spin = rng.uniform(*roaming.paces.get(known[behaviour], usual)) * scale, rng.uniform(*roaming.spin)
        error = find_bearing(place, yaw, target)
        side = np.sign(error) if abs(error) > 0.6 else rng.choice([-1.0, 1.0])
        for _ in range(start, end):
            if np.linalg.norm(target - place) < roaming.near:
                target = pick_target(rng, place, yaw, radius)
            error = find_bearing(place, yaw, target)
            pivoting = goes and abs(error) > (0.4 if pivoting else 1.0)
            labels.append(turn if pivoting else behaviour)
            side = np.sign(error) if pivoting else side
            wanted_speed, wanted_turning = 0.0, 0.0
            if labels[-1] == turn:
                wanted_speed, wanted_turning = roaming.creep, side * spin
            elif goes:
                wanted_speed, wanted_turning = pace, float(np.clip(2.5 * error, -1.2, 1.2))
            speed += (wanted_speed - speed) / (0.12 * rate + 1)
            turning += (wanted_turning - turning) / (0.12 * rate + 1)
            yaw += turning / rate
            place = place + speed / rate * np.array([np.cos(yaw), np.sin(yaw)])
            rows.append((*place, yaw, speed, turning))
    columns = gaussian_filter1d(np.array(rows), 0.05 * rate, axis=0, mode="nearest").T
    return dict(zip(("label", "x", "y", "yaw", "speed", "turning"), (np.array(labels), *columns), strict=True))


def pick_target(rng: np.random.Generator, place: Array, yaw: float, radius: float) -> Array:
    """A place (2,) inside the circle, at least half a radius away; of ten at random the one that is most ahead."""
    angles, distances = rng.uniform(-np.pi, np.pi, 40), radius * np.sqrt(rng.uniform(0, 1, 40))
    targets = np.stack([distances * np.cos(angles), distances * np.sin(angles)], axis=1)
    far = targets[np.linalg.norm(targets - place, axis=1) > 0.5 * radius][:10]
    return far[np.argmin([abs(find_bearing(place, yaw, target)) for target in far])]


def find_bearing(place: Array, yaw: float, target: Array) -> float:
    """Angle in [-pi, pi) by which `target` lies to the left of the heading `yaw`."""
    ahead = target - place
    return float((np.arctan2(ahead[1], ahead[0]) - yaw + np.pi) % (2 * np.pi) - np.pi)
