"""Weak-perspective cameras, and where poses and cameras start: from places in three views or more, or from known cameras.

A camera shows a point X (a row) at ``x = s (X R) + t``, of which the first two coordinates count; pictures are in normalised coordinates.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bkind3d.geometry.alignment import fit_similarity

#: Least square of a scale of the metric change, as a share of the largest one. Places that contradict each other (left taken for right) ask for
#: squares below zero, and poses would be stretched without limit; those of bodies, long or flat, are above it.
NARROWEST = 0.03


@dataclass(frozen=True)
class Cameras:
    """Cameras of every moment and view, as numbers that any step may be added to.

    Attributes
    ----------
    turns : the first two columns of the rotation, before they are made orthonormal.
    scales : inverse softplus of s.
    shifts : t.
    """

    turns: Float[Tensor, "batch view 6"]
    scales: Float[Tensor, "batch view"]
    shifts: Float[Tensor, "batch view 3"]

    @classmethod
    def of(
        cls, rotations: Float[Tensor, "batch view 3 3"], scales: Float[Tensor, "batch view"], shifts: Float[Tensor, "batch view 2"]
    ) -> "Cameras":
        """Cameras of these rotations, scales and shifts."""
        turns = rotations[..., :2].mT.flatten(-2)
        return cls(turns, inverse_softplus(scales), torch.cat([shifts, torch.zeros_like(shifts[..., :1])], dim=-1))

    @property
    def rotations(self) -> Float[Tensor, "batch view 3 3"]:
        """Rotations, whose columns are the camera's axes."""
        first, second = self.turns[..., :3], self.turns[..., 3:]
        first = torch.nn.functional.normalize(first, dim=-1)
        second = torch.nn.functional.normalize(second - (first * second).sum(dim=-1, keepdim=True) * first, dim=-1)
        return torch.stack([first, second, torch.linalg.cross(first, second, dim=-1)], dim=-1)

    def flatten(self) -> Float[Tensor, "batch view 10"]:
        """All numbers of a camera in a row."""
        return torch.cat([self.turns, self.scales[..., None], self.shifts], dim=-1)

    def move(self, step: Float[Tensor, "batch view 10"]) -> "Cameras":
        """Cameras that a step is added to."""
        return Cameras(self.turns + step[..., :6], self.scales + step[..., 6], self.shifts + step[..., 7:])

    def project(self, poses: Float[Tensor, "batch joint 3"]) -> Float[Tensor, "batch view joint 2"]:
        """Where the cameras show poses, normalised coordinates."""
        seen = poses[:, None] @ self.rotations
        scales = torch.nn.functional.softplus(self.scales)
        return scales[..., None, None] * seen[..., :2] + self.shifts[..., None, :2]


def inverse_softplus(values: Tensor) -> Tensor:
    """What softplus turns into `values`."""
    return values + torch.log(-torch.expm1(-values.clamp_min(1e-6)))


def factorise(places: Float[Tensor, "batch view joint 2"], present: Bool[Tensor, "batch view"]) -> tuple[Tensor, Tensor]:
    """Find poses and cameras from places in the pictures alone: the affine factorisation of Tomasi and Kanade (1992), made metric.

    Rotations are orthogonal, and both images of a camera's axes equally long, in three views or more; with fewer the answer is finite
    and means little. A pose and its mirror image, with cameras mirrored alike, explain the places equally well: one of them is given.

    Returns
    -------
    poses : (batch, joint, 3) in the frame of the first view that is there.
    axes : (batch, view, 2, 3) images of the axes, ``x = X axes^T``; 0 of absent views.
    """
    centred = torch.where(present[..., None, None], places - places.mean(dim=2, keepdim=True), 0.0).double()
    stacked = centred.mT.flatten(1, 2)
    left, sizes, right = torch.linalg.svd(stacked, full_matrices=False)
    axes, poses = (left[..., :3] * sizes[:, None, :3].clamp_min(1e-9)), right[:, :3].mT
    pairs = axes.view(len(axes), -1, 2, 3)
    scale = pairs.square().sum(dim=(-1, -2)).sum(dim=1).clamp_min(1e-12)
    rows = torch.cat(
        [form(pairs[..., 0, :], pairs[..., 0, :]) - form(pairs[..., 1, :], pairs[..., 1, :]), form(pairs[..., 0, :], pairs[..., 1, :])],
        dim=1,
    )
    rows = rows / scale[:, None, None]
    size = (form(axes, axes) / scale[:, None, None]).sum(dim=1, keepdim=True)
    system = torch.cat([rows, size], dim=1)
    wanted = torch.zeros_like(system[..., :1])
    wanted[:, -1] = 1
    plain = system.mT @ system + 1e-9 * torch.eye(6, dtype=system.dtype, device=system.device)
    numbers = torch.linalg.solve(plain, system.mT @ wanted)[..., 0]
    square = numbers[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].view(-1, 3, 3)
    values, vectors = torch.linalg.eigh(square)
    values = values.clamp_min(NARROWEST * values.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12)).sqrt()
    change, back = vectors * values[:, None], vectors / values[:, None]
    axes, poses = pairs @ change[:, None], poses @ back
    first = present.double().argmax(dim=1)
    rotation = make_rotations(axes)[torch.arange(len(first), device=first.device), first]
    poses, axes = poses @ rotation, axes @ rotation[:, None]
    return poses, axes


def form(one: Tensor, other: Tensor) -> Tensor:
    """What the six numbers of a symmetric matrix are multiplied with in the product of two vectors with it."""
    x, y = one, other
    cross = [x[..., i] * y[..., j] + x[..., j] * y[..., i] for i, j in ((0, 1), (0, 2), (1, 2))]
    return torch.stack([x[..., 0] * y[..., 0], cross[0], cross[1], x[..., 1] * y[..., 1], cross[2], x[..., 2] * y[..., 2]], dim=-1)


def make_rotations(axes: Float[Tensor, "batch view 2 3"]) -> Float[Tensor, "batch view 3 3"]:
    """Rotations whose columns follow the images of the axes."""
    first = torch.nn.functional.normalize(axes[..., 0, :], dim=-1)
    second = torch.nn.functional.normalize(axes[..., 1, :] - (first * axes[..., 1, :]).sum(dim=-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second, dim=-1)], dim=-1)


def start_without_cameras(
    places: Float[Tensor, "batch view joint 2"], present: Bool[Tensor, "batch view"], shape: Float[Tensor, "joint 3"]
) -> tuple[Float[Tensor, "batch joint 3"], Cameras]:
    """Factorise, and take of the two mirror images the one that the mean `shape` of training poses fits better, turned as it likes."""
    poses, axes = factorise(places, present)
    mirror = poses.new_tensor([1.0, 1.0, -1.0])
    template = shape.double().expand_as(poses)
    apart = [(fit_similarity(template, images).apply(template) - images).square().sum(dim=(1, 2)) for images in (poses, poses * mirror)]
    swap = torch.where((apart[1] < apart[0])[:, None], mirror, 1.0)
    poses, axes = poses * swap[:, None], axes * swap[:, None, None]
    scales = axes.norm(dim=-1).mean(dim=-1)
    size = torch.where(present, scales, 0.0).sum(dim=1) / present.sum(dim=1)
    size = size.clamp_min(1e-9)
    poses, scales = poses * size[:, None, None], scales / size[:, None]
    rotations = torch.where(present[..., None, None], make_rotations(axes), torch.eye(3, dtype=axes.dtype, device=axes.device))
    shifts = torch.where(present[..., None], places.mean(dim=2), 0.0)
    cameras = Cameras.of(rotations.to(places), torch.where(present, scales, 1.0).to(places).clamp_min(1e-3), shifts)
    return poses.to(places), cameras
