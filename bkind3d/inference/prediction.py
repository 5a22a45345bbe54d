"""Find the keypoints of every frame of a session."""

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from bkind3d.data.datasets import SessionFrames, Views, iterate_batches
from bkind3d.geometry.projection import is_visible, normalise_pixels, project_points
from bkind3d.model.discovery import DiscoveryModel


@torch.inference_mode()
def predict_keypoints(model: DiscoveryModel, session: SessionFrames, batch_size: int = 16, device: str = "cpu") -> pd.DataFrame:
    """Find the keypoints of a session.

    Returns
    -------
    A keypoints table: every frame x keypoint has a row; where the subject is not located, positions are NaN and the
    confidence is 0. Positions and spread are in world units. ``reprojection_px`` is how far, on average over views, the
    keypoint projects off the subject's silhouette, in pixels of the frames' images (0: on the subject in every view).
    """
    model = model.eval().to(device)
    if model.detector.headings is not None:
        model.detector.headings.find(session, device)
    n_keypoints = model.config.n_keypoints
    values = np.full((len(session), n_keypoints, 6), np.nan, np.float32)
    values[..., 3] = 0
    n_batches = -(-len(session.usable) // batch_size)
    for indices, views in tqdm(iterate_batches(session, batch_size), total=n_batches, desc=f"predict {session.session}", disable=None):
        estimate = model.detector(views.to(device))
        residuals = measure_residuals(estimate.positions.cpu(), views)
        columns = [estimate.positions.cpu(), estimate.confidences.cpu()[..., None], estimate.spreads.cpu()[..., None], residuals[..., None]]
        values[indices] = torch.cat(columns, dim=-1).numpy()
    return make_table(session, values, model.config.keypoint_names)


def measure_residuals(positions: torch.Tensor, views: Views) -> torch.Tensor:
    """Mean distance over views, in pixels, from each keypoint's projection to the silhouette: (batch, keypoint)."""
    masks = views.masks[:, :, 0].numpy() > 0.5
    distances = np.stack([[distance_to(mask) for mask in moment] for moment in masks])
    pixels, depths = project_points(positions, views.projections)
    normalised = normalise_pixels(pixels, *views.image_size)
    visible = is_visible(normalised, depths, views.present)
    maps = torch.from_numpy(distances).flatten(0, 1)[:, None]
    samples = torch.nn.functional.grid_sample(
        maps, normalised.flatten(0, 1)[:, None].clamp(-1, 1), padding_mode="border", align_corners=False
    )
    samples = samples.view(visible.shape)
    residuals: torch.Tensor = (samples * visible).sum(dim=1) / visible.sum(dim=1)
    return residuals


def distance_to(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of each pixel to the nearest pixel of `mask`; the image's diagonal where the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, float(np.hypot(*mask.shape)), np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def make_table(session: SessionFrames, values: NDArray[np.float32], names: list[str]) -> pd.DataFrame:
    """Lay out values (frame, keypoint, 6) as a keypoints table."""
    n_frames, n_keypoints = values.shape[:2]
    table = pd.DataFrame(
        {"frame": np.repeat(session.frames, n_keypoints), "time_s": np.repeat(session.times, n_keypoints), "keypoint": names * n_frames}
    )
    table[["x", "y", "z", "confidence", "spread", "reprojection_px"]] = values.reshape(-1, 6)
    return table
