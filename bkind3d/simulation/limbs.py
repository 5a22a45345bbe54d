"""Where the paws go, and how the joints of the limbs follow: footfalls without sliding, and inverse kinematics."""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Array


@dataclass(frozen=True)
class Limb:
    """A chain of joints that brings points of its bodies to given places.

    Attributes
    ----------
    dofs : (dof,) indices of the chain's velocities; its qpos are one further, behind the free root's quaternion.
    bodies : ids of the bodies of those points.
    offsets : (point, 3) the points in the frames of their bodies (m).
    weights : (point, 3) how much each coordinate matters.
    limits : (dof, 2) joint limits, radians.
    """

    dofs: Int[NDArray, "..."]
    bodies: tuple[int, ...]
    offsets: Array
    weights: Array
    limits: Array

    @property
    def qpos(self) -> Int[NDArray, "dof"]:
        """(dof,) indices of the chain's generalised positions."""
        return self.dofs + 1


def make_limb(model: mujoco.MjModel, joints: Sequence[str], points: Sequence[tuple[str, Array, Sequence[float]]]) -> Limb:
    """Look up a limb in `model`: its joints, and its points as (body, offset in metres, weight)."""
    ids = [model.joint(name).id for name in joints]
    bodies, offsets, weights = zip(*points, strict=True)
    dofs = model.jnt_dofadr[ids].astype(np.intp)
    body_ids = tuple(model.body(name).id for name in bodies)
    return Limb(dofs, body_ids, np.array(offsets, float), np.array(weights, float), model.jnt_range[ids])


def solve_limbs(
    model: mujoco.MjModel, data: mujoco.MjData, limbs: Sequence[Limb], places: Sequence[Array], rest: Array, iterations: int
) -> None:
    """Move the joints of `limbs`, from where they are in `data`, so that their points come to `places` (world, m).

    Damped least squares that also draws the joints towards `rest` (nq,); joint limits are kept.
    """
    jacobian = np.empty((3, model.nv))
    for _ in range(iterations):
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        for limb, goal in zip(limbs, places, strict=True):
            rows, residuals = [], []
            for body, offset, place, weight in zip(limb.bodies, limb.offsets, goal, limb.weights, strict=True):
                point = data.xpos[body] + data.xmat[body].reshape(3, 3) @ offset
                mujoco.mj_jac(model, data, jacobian, None, point, body)
                rows.append(weight[:, None] * jacobian[:, limb.dofs])
                residuals.append(weight * (place - point))
            angles, wanted = data.qpos[limb.qpos], rest[limb.qpos]
            data.qpos[limb.qpos] = step_joints(np.concatenate(rows), np.concatenate(residuals), angles, wanted, limb.limits)
    mujoco.mj_kinematics(model, data)


def step_joints(jacobian: Array, residual: Array, angles: Array, rest: Array, limits: Array) -> Array:
    """(dof,) angles after one damped step; a joint that would leave its limits stops there, and the others make up for it."""
    free, target = np.ones(len(angles), bool), angles
    for _ in range(3):
        columns = jacobian[:, free]
        wanted = columns.T @ (residual - jacobian[:, ~free] @ (target - angles)[~free]) + 3e-5 * (rest - angles)[free]
        step = np.linalg.solve(columns.T @ columns + 3e-5 * np.eye(free.sum()), wanted)
        target = target.copy()
        target[free] = angles[free] + np.clip(step, -0.1, 0.1)
        outside = free & ((target < limits[:, 0]) | (target > limits[:, 1]))
        if not outside.any():
            break
        target = np.clip(target, *limits.T)
        free &= ~outside
    return target


def find_swings(
    phase: Array, offset: float | Array, rate: float, held: Bool[NDArray, "..."], seconds: tuple[float, float] = (0.1, 0.24)
) -> list[tuple[float, float]]:
    """When a paw is in the air, as (lifted, landed) in frames.

    Parameters
    ----------
    phase : (frame,) strides so far. A paw is lifted whenever ``phase + offset`` passes a whole number, for 0.38 of a
        stride within the limits of `seconds`; it always lands, also where the animal stops.
    rate : frames per second.
    held : (frame,) where the paw is kept in the air by something else than walking.
    seconds : shortest and longest swing.
    """
    cycles = phase + offset
    swings = []
    for frame in np.flatnonzero(np.diff(np.floor(cycles)) > 0):
        pace = cycles[frame + 1] - cycles[frame]
        start = frame + (np.ceil(cycles[frame] + 1e-9) - cycles[frame]) / pace
        swings.append((start, start + float(np.clip(0.38 / pace, seconds[0] * rate, seconds[1] * rate))))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(int)))
    swings = sorted(swings + [(float(a), float(b)) for a, b in edges.reshape(-1, 2)])
    merged: list[tuple[float, float]] = []
    for start, end in swings:
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def place_paw(home: Array, swings: Sequence[tuple[float, float]], lift: float) -> Array:
    """(frame, 3) path of a paw (world, m): still on the floor between swings, where its `home` then is on average.

    Parameters
    ----------
    home : (frame, 2) where the body would have the paw at that moment.
    swings : from :func:`find_swings`.
    lift : height of a swing.
    """
    frames = np.arange(len(home), dtype=float)
    borders = np.array([-1.0, *np.ravel(swings), float(len(home))]).reshape(-1, 2)
    ends = np.clip(borders, 0, len(home) - 1)
    sampled = np.stack([np.interp(ends, frames, home[:, axis]) for axis in range(2)], axis=-1)
    # Midway between where the stance begins and ends suits walking; its mean suits standing, where the end is a first step.
    means = np.stack([home[int(first) : int(last) + 1].mean(axis=0) for first, last in ends])
    stances = (sampled.mean(axis=1) + means) / 2
    path = np.zeros((len(home), 3))
    path[:, :2] = stances[np.searchsorted(borders[1:, 0], frames, side="right")]
    for index, (start, end) in enumerate(swings):
        inside = (frames > start) & (frames < end)
        share = (frames[inside] - start) / (end - start)
        ease = share * share * (3 - 2 * share)
        path[inside, :2] = stances[index] + ease[:, None] * (stances[index + 1] - stances[index])
        path[inside, 2] = lift * np.sin(np.pi * share) ** 2
    return path


def find_lowest(model: mujoco.MjModel, data: mujoco.MjData, geoms: Int[NDArray, "..."]) -> float:
    """Height (m) of the lowest point of `geoms`, which are capsules or ellipsoids."""
    vertical, sizes = data.geom_xmat[geoms].reshape(-1, 3, 3)[:, 2], model.geom_size[geoms]
    capsule = sizes[:, 0] + sizes[:, 1] * np.abs(vertical[:, 2])
    ellipsoid = np.linalg.norm(sizes * vertical, axis=1)
    is_capsule = model.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_CAPSULE
    return float((data.geom_xpos[geoms, 2] - np.where(is_capsule, capsule, ellipsoid)).min())
