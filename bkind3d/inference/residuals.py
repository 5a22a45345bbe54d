"""How far keypoints project off the subject's silhouettes."""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.data.datasets import Views
from bkind3d.geometry.projection import is_visible, normalise_pixels, project_points


def measure_residuals(positions: Float[Tensor, "batch keypoint 3"], views: Views) -> Float[Tensor, "batch keypoint"]:
    """Mean distance over views, in pixels, from each keypoint's projection to the silhouette; NaN where no view shows it."""
    masks = views.masks[:, :, 0].numpy() > 0.5
    distances = np.stack([[distance_to(mask) for mask in moment] for moment in masks])
    pixels, depths = project_points(positions, views.projections)
    normalised = normalise_pixels(pixels, *views.image_size)
    visible = is_visible(normalised, depths, views.present)
    maps = torch.from_numpy(distances).flatten(0, 1)[:, None]
    places = normalised.flatten(0, 1)[:, None].clamp(-1, 1)
    samples = torch.nn.functional.grid_sample(maps, places, padding_mode="border", align_corners=False).view(visible.shape)
    residuals: Tensor = (samples * visible).sum(dim=1) / visible.sum(dim=1)
    return residuals


def distance_to(mask: Bool[NDArray, "..."]) -> Float[NDArray, "..."]:
    """Distance of each pixel to the nearest pixel of `mask`; the image's diagonal where the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, float(np.hypot(*mask.shape)), np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
