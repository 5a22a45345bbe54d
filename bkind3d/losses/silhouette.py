"""The edges, drawn into a view, explain its silhouette."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def silhouette_error(
    edge_maps: Float[Tensor, "batch view height width"], masks: Float[Tensor, "batch view 1 _ _"], present: Bool[Tensor, "batch view"]
) -> Float[Tensor, ""]:
    """Mean squared difference between edge maps and silhouettes at the maps' resolution, over the views that are present.

    Every moment counts alike, however many views it has. Edge maps above 1 count as 1: a heavy edge is no better than one that is there.
    """
    size = (edge_maps.shape[-2], edge_maps.shape[-1])
    wanted = torch.nn.functional.adaptive_avg_pool2d(masks.flatten(0, 1), size).view(edge_maps.shape)
    errors = (edge_maps.clamp(max=1) - wanted).square().mean(dim=(-2, -1))
    return ((errors * present).sum(dim=1) / present.sum(dim=1).clamp_min(1)).mean()
