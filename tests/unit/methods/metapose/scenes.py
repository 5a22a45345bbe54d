"""Poses before weak-perspective cameras, in numbers."""

import torch
from torch import Tensor

from bkind3d.methods.metapose.cameras import Cameras


def turn_at_random(*shape: int) -> Tensor:
    turns = torch.linalg.qr(torch.randn(*shape, 3, 3, dtype=torch.float64))[0]
    return turns * torch.linalg.det(turns)[..., None, None]


def make_scene(n: int = 4, n_views: int = 4, n_joints: int = 9, seed: int = 0) -> tuple[Tensor, Cameras]:
    """Poses that are bent forms of one shape, and cameras."""
    torch.manual_seed(seed)
    shape = torch.randn(n_joints, 3, dtype=torch.float64)
    poses = shape + 0.1 * torch.randn(n, n_joints, 3, dtype=torch.float64)
    poses = poses - poses.mean(dim=1, keepdim=True)
    scales = 0.2 + 0.1 * torch.rand(n, n_views, dtype=torch.float64)
    return poses, Cameras.of(turn_at_random(n, n_views), scales, 0.1 * torch.randn(n, n_views, 2, dtype=torch.float64))
