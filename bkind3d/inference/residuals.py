"""How far keypoints project off the subject's silhouettes."""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from bkind3d.data.datasets import Views
from bkind3d.geometry.projection import is_visible, normalise_pixels, project_points


def measure_residuals(positions: Float[Tensor, "batch keypoint 3"], views: Views) -> Float[Tensor, "batch keypoint"]:
    """Mean distance over views, in pixels, from each keypoint's projection to the silhouette; NaN where no view shows it."""
    pixels, depths = project_points(positions, views.projections)
    normalised = normalise_pixels(pixels, *views.image_size)
    visible = is_visible(normalised, depths, views.present)
    places = normalised.flatten(0, 1)[:, None].clamp(-1, 1)

    def sample(maps: Float[Tensor, "batch view 1 height width"]) -> Float[Tensor, "batch view keypoint"]:
        return grid_sample(maps.flatten(0, 1), places, padding_mode="border", align_corners=False).view(visible.shape)

    beside = views.masks <= 0.5
    distances = torch.zeros_like(views.masks)
    # Most views have all their keypoints on the silhouette: nothing is measured there.
    for moment, view in (visible & (sample(beside.float()) > 0)).any(dim=-1).nonzero().tolist():
        distances[moment, view, 0] = torch.from_numpy(distance_to(~beside[moment, view, 0].numpy()))
    residuals: Tensor = (sample(distances) * visible).sum(dim=1) / visible.sum(dim=1)
    return residuals


def distance_to(mask: Bool[NDArray, "..."]) -> Float[NDArray, "..."]:
    """Distance of each pixel to the nearest pixel of `mask`; the image's diagonal where the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, float(np.hypot(*mask.shape)), np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
