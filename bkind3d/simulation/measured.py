"""Measured motion on a simulated body: jumps are smoothed, the body's proportions allowed for, and its joints found by inverse kinematics.

The motion is a table of joints (:mod:`bkind3d.data.parquet`, kind ``joints``; any world whose z axis points up; ``units`` and ``rate`` in
the metadata) whose names are those of the animal's joints, or some of them. What is fitted is where those joints of the model are, each with
an offset of its own that is the same in all frames, because no two bodies have the same proportions, as in Wu et al. 2013 (STAC).
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import mujoco
import numpy as np
from jaxtyping import Float
from mujoco import minimize
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.spatial.transform import Rotation

from bkind3d.config import InputError
from bkind3d.data.points import read_points
from bkind3d.geometry.cameras import Array
from bkind3d.simulation.animals import Animal, Motion, Take

log = logging.getLogger(__name__)

#: Medians over this time (s) take out jumps, and a Gaussian of this width (s) what is left of them.
MEDIAN_S, SMOOTH_S = 0.12, 0.02
#: What a radian from the rest pose, and from the frame before, costs, as a share of the body's size.
_REST, _BEFORE = 0.01, 0.01
#: Frames from which the offsets are learned, and how often.
_SAMPLES, _ROUNDS = 40, 3
#: Fewer known joints than these do not pose a body.
_LEAST = 6
#: An animal whose joints move on average by less than this share of its size in a second is still.
_STILL = 0.1
BEHAVIOURS = ("still", "moving")


@dataclass
class Follower:
    """Poses a model so that points of its bodies come to where markers are.

    Attributes
    ----------
    model : with a free root; metres.
    sites : names of the sites that markers belong to.
    size : of the body (m), by which distances are divided.
    offsets : (marker, 3) of the markers from their sites, in the frames of the sites' bodies (m).
    """

    model: mujoco.MjModel
    sites: tuple[str, ...]
    size: float = field(init=False)
    offsets: Array = field(init=False)

    def __post_init__(self) -> None:
        self._data, self._ids = mujoco.MjData(self.model), [self.model.site(name).id for name in self.sites]
        self._bodies = self.model.site_bodyid[self._ids]
        self._scale = np.ones(self.model.nv)
        self.offsets = np.zeros((len(self.sites), 3))
        self._rest_places = self.find_points(self.model.qpos0)
        # Those that a joint moves; the root's free joint comes first.
        self._moved = np.flatnonzero(self.model.body_rootid == self.model.jnt_bodyid[0])
        self.size = float(np.linalg.norm(np.ptp(self._rest_places, axis=0)))
        self._scale[:3] = self.size
        limits = np.where(self.model.jnt_limited[1:, None], self.model.jnt_range[1:], [-np.pi, np.pi])
        self._limits = np.concatenate([np.tile([-np.inf, np.inf], (6, 1)), limits])

    def find_points(self, qpos: Array) -> Array:
        """(marker, 3) where the markers are in a pose (world, m)."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self.model, self._data)
        turns = self._data.xmat[self._bodies].reshape(-1, 3, 3)
        return np.asarray(self._data.site_xpos[self._ids] + np.einsum("mij,mj->mi", turns, self.offsets))

    def place_root(self, markers: Array) -> Array:
        """(nq,) the rest pose where it lies best on the markers."""
        known = np.isfinite(markers).all(axis=1)
        there, here = markers[known], self._rest_places[known]
        turn, _ = Rotation.align_vectors(there - there.mean(axis=0), here - here.mean(axis=0))
        qpos = self.model.qpos0.copy()
        turned = turn * Rotation.from_quat(qpos[3:7], scalar_first=True)
        qpos[:3], qpos[3:7] = turn.apply(qpos[:3] - here.mean(axis=0)) + there.mean(axis=0), turned.as_quat(scalar_first=True)
        return qpos

    def fit(self, markers: Array, start: Array, iterations: int) -> Array:
        """(nq,) the pose near `start` whose points lie on `markers` (m; NaN where unknown), within the joints' limits, with nothing below 0."""
        known = np.flatnonzero(np.isfinite(markers).all(axis=1))
        # Where springs would leave the joints, an animal is at ease.
        angles, rest = start[7:], self.model.qpos_spring[7:]
        jacobian_at, rows = np.empty((3, self.model.nv)), np.eye(self.model.nv)[6:]

        def pose(step: Array) -> Array:
            qpos = start.copy()
            mujoco.mj_integratePos(self.model, qpos, self._scale * step, 1.0)
            return qpos

        def residual(steps: Array) -> Array:
            columns = []
            for step in steps.T:
                apart = (self.find_points(pose(step)) - markers)[known] / self.size
                sunk = np.minimum(self._data.xpos[self._moved, 2], 0) / self.size
                columns.append(np.concatenate([apart.ravel(), sunk, _REST * (angles + step[6:] - rest), _BEFORE * step[6:]]))
            return np.stack(columns, axis=1)

        def jacobian(step: Array, _: Array) -> Array:
            points = self.find_points(pose(step.ravel()))
            mujoco.mj_comPos(self.model, self._data)
            parts = []
            for index in known:
                mujoco.mj_jac(self.model, self._data, jacobian_at, None, points[index], self._bodies[index])
                parts.append(jacobian_at * self._scale / self.size)
            for body in self._moved:
                mujoco.mj_jacBody(self.model, self._data, jacobian_at, None, body)
                parts.append(jacobian_at[2:] * (self._data.xpos[body, 2] < 0) * self._scale / self.size)
            return np.concatenate([*parts, _REST * rows, _BEFORE * rows])

        low, high = self._limits.T.copy()
        low[6:], high[6:] = low[6:] - angles, high[6:] - angles
        # Without an end for the root, but for the optimiser's sake.
        bounds = [np.maximum(low, -10.0), np.minimum(high, 10.0)]
        step, _ = minimize.least_squares(
            np.zeros(self.model.nv), residual, bounds, jacobian, max_iter=iterations, xtol=1e-5, verbose=minimize.Verbosity.SILENT
        )
        return pose(step.ravel())

    def learn_offsets(self, markers: Float[NDArray, "frame marker 3"]) -> None:
        """Learn the markers' offsets from some frames: their mean distance from the sites as the bodies see it."""
        for _ in range(_ROUNDS):
            apart = np.full((len(markers), *self.offsets.shape), np.nan)
            for frame, places in enumerate(markers):
                points = self.find_points(self.fit(places, self.place_root(places), iterations=40))
                turns = self._data.xmat[self._bodies].reshape(-1, 3, 3)
                apart[frame] = np.einsum("mji,mj->mi", turns, places - points)
            self.offsets = self.offsets + np.nanmean(apart, axis=0)

    def follow(self, markers: Float[NDArray, "frame marker 3"]) -> tuple[Float[NDArray, "..."], Float[NDArray, "frame marker"]]:
        """(frame, nq) poses, one after the other, and (frame, marker) how far (m) the points are from the markers."""
        qpos, errors = np.zeros((len(markers), self.model.nq)), np.zeros(markers.shape[:2])
        before = self.place_root(markers[0])
        for frame, places in enumerate(markers):
            before = self.fit(places, before, iterations=12 if frame else 60)
            qpos[frame] = before
            errors[frame] = np.linalg.norm(self.find_points(before) - places, axis=1)
        return qpos, errors


def follow_motion(path: Path, animal: Animal, model: mujoco.MjModel, take: Take) -> Motion:
    """Move the animal, which is in `model`, as was measured in the file at `path`.

    A piece of the take's length is drawn by the take's seed, brought to the animal's size, the middle of the arena and the floor. While the
    animal rests, the motion stands still. Behaviours are ``still`` and ``moving``.

    Raises
    ------
    InputError : where the file has too few of the animal's joints, is too short, or leads out of the arena.
    """
    names, markers = read_motion(path, animal, take)
    follower = Follower(model, names)
    markers = bring_to_body(markers, follower.find_points(model.qpos0))
    follower.learn_offsets(markers[np.linspace(0, len(markers) - 1, min(_SAMPLES, len(markers))).astype(int)])
    poses, errors = follower.follow(markers)
    log.info(
        "%s: %d frames, %d joints on a body of %.0f mm: median %.2f mm off, 95 %% within %.2f mm", path, len(poses), len(names),
        1000 * follower.size, 1000 * np.nanmedian(errors), 1000 * np.nanpercentile(errors, 95),
    )  # fmt: skip
    poses[:, 7:] = gaussian_filter1d(poses[:, 7:], SMOOTH_S * take.rate, axis=0, mode="nearest")
    poses[:, :2] -= (poses[:, :2].max(axis=0) + poses[:, :2].min(axis=0)) / 2
    reach = 1000 * float(np.hypot(poses[:, 0], poses[:, 1]).max())
    if reach > take.arena / 2:
        raise InputError(path, f"the animal goes {reach:.0f} mm from the middle", f"give the rig an arena of {2.4 * reach:.0f} mm or more")
    points = np.stack([follower.find_points(pose) for pose in poses])
    speeds = np.linalg.norm(np.gradient(points, axis=0), axis=2).mean(axis=1) * take.rate / follower.size
    moving = gaussian_filter1d(speeds, 0.1 * take.rate, mode="nearest") > _STILL
    return Motion(poses, [BEHAVIOURS[int(one)] for one in moving])


def read_motion(path: Path, animal: Animal, take: Take) -> tuple[tuple[str, ...], Float[NDArray, "frame marker 3"]]:
    """Read the names of the joints that the animal has, and where they are in each frame of a take (m), without jumps."""
    table = read_points(path, "joints")
    known = [index for index, name in enumerate(table.names) if name in animal.JOINTS]
    if len(known) < _LEAST:
        raise InputError(
            path, f"has {len(known)} joints of this animal, and {_LEAST} are needed", f"its joints are {', '.join(animal.JOINTS)}"
        )
    units = {"m": 1.0, "cm": 0.01, "mm": 0.001}.get(table.metadata.get("units", "mm"), 0.001)
    rate = float(table.metadata.get("rate", take.rate))
    markers = units * smooth_jumps(table.positions[:, known], rate)
    first, end = take.find_rest()
    moments = np.arange(take.frames)
    seconds = (moments - np.clip(moments - first, 0, end - first)) / take.rate
    spare = (len(markers) - 1) / rate - seconds[-1]
    if spare < 0:
        raise InputError(path, f"lasts {(len(markers) - 1) / rate:.1f} s, and the session moves for {seconds[-1]:.1f} s", "make it shorter")
    times = seconds + np.random.default_rng([take.seed, 81]).uniform(0, spare)
    measured = np.arange(len(markers)) / rate
    flat = markers.reshape(len(markers), -1)
    taken = np.stack([np.interp(times, measured, column) for column in flat.T], axis=1)
    return tuple(table.names[index] for index in known), taken.reshape(len(times), -1, 3)


def smooth_jumps(markers: Float[NDArray, "frame marker 3"], rate: float) -> Float[NDArray, "frame marker 3"]:
    """The markers without jumps of single moments, by medians over :data:`MEDIAN_S` and a little smoothing after it."""
    calm = median_filter(markers, (1 + 2 * round(MEDIAN_S * rate / 2), 1, 1), mode="nearest")
    return np.asarray(gaussian_filter1d(calm, max(SMOOTH_S * rate, 0.5), axis=0, mode="nearest"))


def bring_to_body(markers: Float[NDArray, "frame marker 3"], places: Float[NDArray, "marker 3"]) -> Float[NDArray, "frame marker 3"]:
    """The markers at the size of a body whose joints are at `places` when it rests, and the lowest of them as high over the floor as there."""
    one, other = np.triu_indices(len(places), 1)
    distances = np.linalg.norm(markers[:, one] - markers[:, other], axis=2)
    measured, variation = np.nanmedian(distances, axis=0), np.nanstd(distances, axis=0) / np.nanmedian(distances, axis=0)
    # By distances that hardly vary: those of joints on one bone, or nearly.
    bones = variation <= np.percentile(variation, 25)
    scaled = markers * np.median(np.linalg.norm(places[one] - places[other], axis=1)[bones] / measured[bones])
    scaled[..., 2] += places[:, 2].min() - np.nanpercentile(np.nanmin(scaled[..., 2], axis=1), 10)
    return np.asarray(scaled)
