"""Windows that were cut out of one camera's picture, and one common window for both frames of a pair.

A stored window follows the subject, so that two of them show the still background at different places and scales. The difference between
two frames means something only if both are seen through one window. All is float64: pixels are small differences of large numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

Projections = Float[NDArray, "*view 3 4"]
Affines = Float[NDArray, "*view 3 3"]
#: Of the stored, square windows, pixels.
Sides = Float[NDArray, "*view"] | float
#: Largest distance between the camera centres of two windows, as a share of their distance to the world's origin.
_CENTRE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class FramePair:
    """Two frames of several views; a pixel shows the same place of a still background in both.

    Attributes
    ----------
    images : RGB, of the first and of the second frame.
    masks : silhouettes of the subject, 0 to 255.
    projections : world to pixels of the common window, of both frames.
    inside : views whose common window lies within both stored windows; in the others the stored border is continued.
    """

    images: UInt8[NDArray, "2 view height width 3"]
    masks: UInt8[NDArray, "2 view height width"]
    projections: Projections
    inside: Bool[NDArray, "view"]


def relate_windows(projection_a: Projections, projection_b: Projections) -> Affines:
    """Affine that takes pixels of window a to pixels of window b of the same camera: ``P_b = A P_a`` up to a scale.

    The left 3x3 blocks alone determine it, far better conditioned than with the last columns, which hold the large
    distances to the world's origin. Those say whether both windows look from the same centre.

    Raises
    ------
    ValueError : if the two matrices are not windows of one camera.
    """
    block_a, block_b = (np.asarray(projection, np.float64)[..., :3] for projection in (projection_a, projection_b))
    relation = block_b @ np.linalg.inv(block_a)
    relation = relation / relation[..., 2:, 2:]
    centre_a, centre_b = (np.linalg.solve(block, np.asarray(p)[..., 3:]) for block, p in ((block_a, projection_a), (block_b, projection_b)))
    far = np.linalg.norm(centre_a - centre_b, axis=-2) > _CENTRE_TOLERANCE * np.linalg.norm(centre_a, axis=-2) + 1e-6
    if far.any() or np.abs(relation[..., 2, :2]).max(initial=0) > 1e-6:
        raise ValueError("Expected two windows of the same camera, got matrices that no shift and scale of the picture relates")
    relation[..., 2, :] = (0.0, 0.0, 1.0)
    return np.asarray(relation)


def choose_common_window(
    projection_a: Projections, projection_b: Projections, side_a: Sides, side_b: Sides, size: int
) -> tuple[tuple[Affines, Affines], Bool[NDArray, "*view"]]:
    """Choose the window midway between two stored ones, at the scale midway between theirs.

    Its centre is the middle of both centres. A shift by a fraction f of a pixel blurs as one by 1 - f does: from the
    middle both frames are blurred alike, and a still edge does not look as if it had moved.

    Parameters
    ----------
    projection_a, projection_b : world to pixels of the stored windows of each view.
    side_a, side_b : sides of the stored (square) windows in pixels.
    size : side of the common window in pixels; what is left over of the stored side is the room to move in.

    Returns
    -------
    Affines from pixels of the stored window a, and b, to those of the common window; and whether that lies within both.
    """
    a_to_b = relate_windows(projection_a, projection_b)
    b_to_a = np.linalg.inv(a_to_b)
    middle_a, middle_b = ((np.asarray(side)[..., None] - 1) / 2 * np.ones(2) for side in (side_a, side_b))
    middle = (middle_a + transform_pixels(middle_b[..., None, :], b_to_a)[..., 0, :]) / 2
    # The geometric mean of the scales: 1 for window a, and what one pixel of a becomes in b.
    scale = np.sqrt(np.abs(np.linalg.det(a_to_b[..., :2, :2]))) ** 0.5
    affine_a = np.zeros_like(a_to_b)
    affine_a[..., 0, 0] = affine_a[..., 1, 1] = scale
    affine_a[..., :2, 2] = (size - 1) / 2 - scale[..., None] * middle
    affine_a[..., 2, 2] = 1
    affine_b = affine_a @ b_to_a
    inside = _holds_window(affine_a, side_a, size) & _holds_window(affine_b, side_b, size)
    return (affine_a, affine_b), inside


def transform_pixels(pixels: Float[NDArray, "*view point 2"], affine: Affines) -> Float[NDArray, "*view point 2"]:
    """Apply an affine to pixels."""
    return np.asarray(pixels @ np.swapaxes(affine[..., :2, :2], -1, -2) + affine[..., None, :2, 2])


def _holds_window(affine: Affines, side: Sides, size: int) -> Bool[NDArray, "*view"]:
    """Tell whether the outer corners of a window of `size` pixels lie in the stored one, to a thousandth of a pixel."""
    corners = np.array([[x, y] for x in (-0.5, size - 0.5) for y in (-0.5, size - 0.5)])
    places = transform_pixels(np.broadcast_to(corners, (*affine.shape[:-2], 4, 2)), np.linalg.inv(affine))
    farthest = np.asarray(side)[..., None, None] - 0.5
    return np.asarray(((places >= -0.501) & (places <= farthest + 0.001)).all(axis=(-2, -1)))


def cut_pair(
    images: tuple[Sequence[UInt8[NDArray, "_ _ 3"]], Sequence[UInt8[NDArray, "_ _ 3"]]],
    masks: tuple[Sequence[UInt8[NDArray, "_ _"]], Sequence[UInt8[NDArray, "_ _"]]],
    projections: tuple[Projections, Projections],
    size: int,
) -> FramePair:
    """Cut both frames of a pair out of their stored windows with one window per view.

    Parameters
    ----------
    images : per frame, the stored square window of every view; sizes may differ.
    masks : per frame, the silhouettes in the same windows.
    projections : per frame, world to pixels of the stored windows; views that miss one of the frames are left out before.
    size : side of the common window in pixels, at the stored scale.

    Returns
    -------
    The pair. Whoever trains on differences leaves out views that are not `inside`.
    """
    side_a, side_b = (np.array([len(image) for image in frame], dtype=np.float64) for frame in images)
    affines, inside = choose_common_window(*projections, side_a, side_b, size)

    def warp(frames: tuple[Sequence[UInt8[NDArray, "..."]], ...], border: int) -> UInt8[NDArray, "..."]:
        """Resample every view's window through its affine; beyond the stored window, `border` says what is there."""
        pairs = (zip(frame, of_frame, strict=True) for frame, of_frame in zip(frames, affines, strict=True))
        return np.array(
            [[cv2.warpAffine(image, affine[:2], (size, size), borderMode=border) for image, affine in views] for views in pairs]
        )

    return FramePair(warp(images, cv2.BORDER_REPLICATE), warp(masks, cv2.BORDER_CONSTANT), affines[0] @ projections[0], inside)
