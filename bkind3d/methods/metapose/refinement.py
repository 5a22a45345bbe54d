"""Iterative refinement: poses and cameras of every moment descend the likelihood of its heatmaps (Adam), as MetaPose's networks are taught to."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bkind3d.methods.metapose.cameras import Cameras
from bkind3d.methods.metapose.mixtures import Mixtures

#: Step size.
RATE = 1e-2


def measure(
    poses: Float[Tensor, "batch joint 3"], cameras: Cameras, mixtures: Mixtures, present: Bool[Tensor, "batch view"]
) -> Float[Tensor, "batch"]:
    """Mean over views and joints of -log of the likelihood of where the cameras show the poses."""
    losses = torch.where(present[..., None], mixtures.measure(cameras.project(poses)), 0.0)
    return losses.sum(dim=(1, 2)) / (present.sum(dim=1) * poses.shape[1])


def refine(
    poses: Float[Tensor, "batch joint 3"], cameras: Cameras, mixtures: Mixtures, present: Bool[Tensor, "batch view"], n_steps: int
) -> tuple[Float[Tensor, "batch joint 3"], Cameras]:
    """Take steps of Adam from a start; every moment goes its own way."""
    # Prediction runs in inference mode, whose tensors know no gradients.
    with torch.inference_mode(mode=False), torch.enable_grad():
        values = [value.clone().requires_grad_() for value in (poses, cameras.turns, cameras.scales, cameras.shifts)]
        fixed = Mixtures(mixtures.weights.clone(), mixtures.means.clone(), mixtures.variances.clone())
        there = present.clone()
        optimizer = torch.optim.Adam(values, lr=RATE)
        for _ in range(n_steps):
            optimizer.zero_grad()
            torch.autograd.backward(measure(values[0], Cameras(*values[1:]), fixed, there).sum())
            optimizer.step()
        found = [value.detach() for value in values]
    return found[0], Cameras(*found[1:])
