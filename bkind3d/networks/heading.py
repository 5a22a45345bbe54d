"""Which way the subject faces, found without labels: every cube can then be turned to the body before the network looks.

A body that is turned about the vertical axis is the same picture, shifted, once its visual hull is sampled on a cylinder.
Headings and the body's typical shape are found together (see ``bkind3d.networks.heading_fit``): the shape as a mean and a few
principal components, a frame's heading as the shift that leaves the smallest residual, followed over time so that it cannot
jump. In the turned cube left is left and front is front, which a small network would have to learn otherwise.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from bkind3d.data.datasets import SessionFrames, Views, iterate_batches
from bkind3d.data.progress import track
from bkind3d.geometry.voxels import carve_hull, look_up_views, view_cubes

#: Angles, radii and heights of the cylinder; its radius and height are shares of the cube's side.
N_ANGLES, N_RADII, N_HEIGHTS = 64, 10, 12
RADIUS = 0.6

#: Principal components of the body's shape beside its mean.
N_COMPONENTS = 6

#: What a residual weighs against a turn: as many independent cells as a frame would have.
EVIDENCE = 8.0

#: Turns are taken as normal with this standard deviation, in degrees per second, plus one angle's half width; a jump costs at most _JUMP.
_TURN_SPEED, _JUMP = 200.0, 30.0

_BATCH = 8


class HeadingFinder(nn.Module):
    """The body's typical shape on a cylinder, and from it the heading of a frame.

    Attributes
    ----------
    mean : the shape when the body faces along x; 0 where independent fits disagree, and headings are not used.
    components : orthonormal directions in which it varies.
    noise : typical squared residual of a frame; 0 until the finder is fitted.
    agreement : share of the frames in which independent fits find the same heading within 45 degrees.
    """

    mean: Float[Tensor, "angle cell"]
    components: Float[Tensor, "component angle cell"]
    noise: Float[Tensor, ""]
    agreement: Float[Tensor, ""]
    points: Float[Tensor, "point 3"]
    weights: Float[Tensor, "point"]

    def __init__(self) -> None:
        super().__init__()
        points, weights = make_cylinder()
        self.register_buffer("points", points, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("mean", torch.zeros(N_ANGLES, N_RADII * N_HEIGHTS))
        self.register_buffer("components", torch.zeros(N_COMPONENTS, N_ANGLES, N_RADII * N_HEIGHTS))
        self.register_buffer("noise", torch.zeros(()))
        self.register_buffer("agreement", torch.zeros(()))

    def unroll(self, views: Views) -> Float[Tensor, "batch angle cell"]:
        """Sample the visual hull on the cylinder around the body's own vertical axis (its hull's centre of mass)."""
        mass = self._occupancy(views, views.centres) * self.weights
        middle = mass @ self.points / mass.sum(dim=1, keepdim=True).clamp_min(1e-6) * self.points.new_tensor([1, 1, 0])
        hull = self._occupancy(views, views.centres + views.sides[:, None] * middle)
        return (hull * self.weights.sqrt()).view(-1, N_ANGLES, N_RADII * N_HEIGHTS)

    def _occupancy(self, views: Views, centres: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch point"]:
        """Occupancy of the hull at the cylinder's points around `centres`."""
        upright = torch.eye(3, device=centres.device).expand(len(centres), 3, 3)
        projections = view_cubes(views.projections, centres, views.sides, upright)
        samples, visible = look_up_views(views.masks, projections, views.image_size, views.present, self.points[None])
        return carve_hull(samples[:, :, 0], visible)

    def costs(self, unrolled: Float[Tensor, "batch angle cell"]) -> Float[Tensor, "batch angle"]:
        """What every heading costs, without unit: the shifted frame's squared residual from mean and components."""
        return residuals(unrolled, self.mean, self.components) / self.noise.clamp_min(1e-12) * EVIDENCE

    @torch.inference_mode()
    def find(self, session: SessionFrames, device: str = "cpu") -> Float[NDArray, "frame"]:
        """Find the headings of a whole session, radians (32 bits); 0 in frames that are not usable, and where headings are not used."""
        if not self.mean.any():
            return np.zeros(len(session), np.float32)
        n_batches = -(-len(session.usable) // _BATCH)
        batches = track(iterate_batches(session, _BATCH, pictures=False), f"headings {session.session}", n_batches, "part")
        costs = [self.costs(self.unroll(views.to(device))).cpu() for _, views in batches]
        headings = np.zeros(len(session), np.float32)
        steps = follow_headings(torch.cat(costs).double().numpy(), session.times[session.usable])
        headings[session.usable] = steps * (2 * math.pi / N_ANGLES)
        return headings


def make_cylinder() -> tuple[Float[Tensor, "point 3"], Float[Tensor, "point"]]:
    """Points of the cylinder in cube coordinates, angle slowest, height fastest; and their weight, the radius (an area)."""
    angles = torch.arange(N_ANGLES) / N_ANGLES * 2 * math.pi
    radii = (torch.arange(N_RADII) + 0.5) / N_RADII * RADIUS
    heights = (torch.arange(N_HEIGHTS) + 0.5) / N_HEIGHTS - 0.5
    angle, radius, height = (grid.flatten() for grid in torch.meshgrid(angles, radii, heights, indexing="ij"))
    return torch.stack([radius * angle.cos(), radius * angle.sin(), height], dim=-1), radius


def residuals(
    unrolled: Float[Tensor, "batch angle cell"], mean: Float[Tensor, "angle cell"], components: Float[Tensor, "component angle cell"]
) -> Float[Tensor, "batch angle"]:
    """Squared residual of each frame from the span of mean and components, for every shift of the frame.

    A turn is a shift of the first axis, so all shifts come from one correlation per component (by fast Fourier transform).
    """
    spectra = torch.fft.rfft(torch.cat([mean[None], components]), dim=1).conj()
    matches = torch.fft.irfft(torch.einsum("nad,kad->nka", torch.fft.rfft(unrolled, dim=1), spectra), n=N_ANGLES, dim=2)
    squares = unrolled.square().sum(dim=(1, 2))[:, None] - 2 * matches[:, 0] + mean.square().sum()
    explained = matches[:, 1:] - torch.einsum("ad,kad->k", mean, components)[None, :, None]
    return squares - explained.square().sum(dim=1)


def follow_headings(costs: Float[NDArray, "frame angle"], times: Float[NDArray, "frame"]) -> Int[NDArray, "frame"]:
    """Give the cheapest sequence of headings (as indices of angles) when turns cost too (Viterbi).

    Parameters
    ----------
    costs : see :meth:`HeadingFinder.costs`.
    times : seconds, ascending.
    """
    steps = np.arange(N_ANGLES)
    apart = np.abs(steps[:, None] - steps)
    degrees = np.minimum(apart, N_ANGLES - apart) * 360 / N_ANGLES
    total, origins = costs[0], []
    for cost, elapsed in zip(costs[1:], np.diff(times), strict=True):
        spread = _TURN_SPEED * elapsed + 180 / N_ANGLES
        reached = total[:, None] + np.minimum(0.5 * (degrees / spread) ** 2, _JUMP)
        origins.append(reached.argmin(axis=0).astype(np.int8))  # hours of video: a byte per angle and frame
        total = reached.min(axis=0) + cost
    path = [int(total.argmin())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1], np.int64)
