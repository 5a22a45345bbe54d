"""Where on the body each keypoint starts: k-means on the mean visual hull of bodies that face one way."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import Tensor

from bkind3d.data.datasets import PerSession, SessionFrames, iterate_batches
from bkind3d.geometry.voxels import make_orientations, view_cubes
from bkind3d.networks.detector import KeypointDetector

#: Frames, evenly spread over all sessions, of which the mean hull is made.
MOST_FRAMES = 400

#: Half the width of the midline's slab, in shares of the cube's side; at least the voxels on either side of the middle.
_MIDLINE = 0.05


@torch.inference_mode()
def average_hulls(detector: KeypointDetector, sessions: Sequence[SessionFrames], headings: PerSession) -> Float[Tensor, "voxel"]:
    """Mean occupancy of the voxels of a cube that is turned to the subject's heading, made symmetric."""
    total, count = torch.zeros(len(detector.voxel_centres)), 0
    for session in sessions:
        chosen = session.usable[:: -(-len(session.usable) * len(sessions) // MOST_FRAMES)]
        for indices, views in iterate_batches(session, 16, chosen):
            turns = torch.from_numpy(headings[session.session][indices])
            upright = make_orientations(turns, torch.zeros(len(turns), dtype=torch.bool))
            cubes = replace(views, projections=view_cubes(views.projections, views.centres, views.sides, upright))
            total += detector.look_at_voxels(cubes)[0].sum(dim=0)
            count += len(views.centres)
    size = detector.config.volume_size
    mean = (total / count).view(size, size, size)
    return ((mean + mean.flip(1)) / 2).flatten()


def choose_places(
    voxels: Float[NDArray, "voxel 3"], occupancy: Float[NDArray, "voxel"], n_keypoints: int, n_pairs: int, seed: int
) -> Float[NDArray, "keypoint 3"]:
    """Spread the keypoints over a symmetric body: pairs over its left half and their mirror images, the rest along its midline.

    Without pairs all keypoints are spread over the whole body.

    Returns
    -------
    Places in cube coordinates; keypoints 2i (left, positive y) and 2i + 1 (right) are pairs.
    """

    def spread(part: Shaped[NDArray, "..."], n: int) -> Shaped[NDArray, "..."]:
        filled = np.flatnonzero(part & (occupancy > 0.1 * occupancy.max()))
        if len(filled) < n:  # a coarse volume, or a thin body
            filled = np.flatnonzero(part)[np.argsort(-occupancy[part], kind="stable")[:n]]
        clusters = KMeans(n, n_init=10, random_state=seed).fit(voxels[filled], sample_weight=occupancy[filled])
        return np.asarray(clusters.cluster_centers_)

    if not n_pairs:
        return spread(np.full(len(voxels), True), n_keypoints)
    slab = max(_MIDLINE, np.abs(voxels[:, 1]).min() + 1e-6)
    left = spread(voxels[:, 1] > slab, n_pairs)
    places = np.repeat(left, 2, axis=0) * np.tile([[1, 1, 1], [1, -1, 1]], (n_pairs, 1))
    if n_keypoints > 2 * n_pairs:
        midline = spread(np.abs(voxels[:, 1]) <= slab, n_keypoints - 2 * n_pairs)
        places = np.concatenate([places, midline * [1, 0, 1]])
    return np.asarray(places)


def find_places(detector: KeypointDetector, sessions: Sequence[SessionFrames], headings: PerSession, n_pairs: int, seed: int) -> None:
    """Give every keypoint of the detector its place on the mean body of the sessions; the first `n_pairs` pairs mirror each other."""
    occupancy = average_hulls(detector, sessions, headings).double().numpy()
    places = choose_places(detector.voxel_centres.double().numpy(), occupancy, detector.n_points, n_pairs, seed)
    detector.places.copy_(torch.from_numpy(places))
