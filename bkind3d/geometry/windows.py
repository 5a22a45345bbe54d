"""Windows that were cut out of one camera's picture, and one common window for both frames of a pair.

A stored window follows the subject, so that two of them show the still background at different places and scales. The difference between
two frames means something only if both are seen through one window. All is float64: pixels are small differences of large numbers.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

#: Largest distance between the camera centres of two windows, as a share of their distance to the world's origin.
_CENTRE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class CommonWindow:
    """One window for two stored windows of each view.

    Attributes
    ----------
    affine_a, affine_b : pixels of the stored window a (b) to pixels of the common window.
    inside : whether the common window lies within both stored ones.
    """

    affine_a: Float[NDArray, "*view 3 3"]
    affine_b: Float[NDArray, "*view 3 3"]
    inside: Bool[NDArray, "*view"]


def relate_windows(projection_a: Float[NDArray, "*view 3 4"], projection_b: Float[NDArray, "*view 3 4"]) -> Float[NDArray, "*view 3 3"]:
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
    projection_a: Float[NDArray, "*view 3 4"],
    projection_b: Float[NDArray, "*view 3 4"],
    side_a: Float[NDArray, "*view"] | float,
    side_b: Float[NDArray, "*view"] | float,
    size: int,
) -> CommonWindow:
    """Choose the window midway between two stored ones, at the scale midway between theirs.

    Its centre is the middle of both centres. A shift by a fraction f of a pixel blurs as one by 1 - f does: from the
    middle both frames are blurred alike, and a still edge does not look as if it had moved.

    Parameters
    ----------
    projection_a, projection_b : world to pixels of the stored windows of each view.
    side_a, side_b : sides of the stored (square) windows in pixels.
    size : side of the common window in pixels; what is left over of the stored side is the room to move in.
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
    return CommonWindow(affine_a, affine_b, inside)


def move_projection(projection: Float[NDArray, "*view 3 4"], affine: Float[NDArray, "*view 3 3"]) -> Float[NDArray, "*view 3 4"]:
    """World to pixels of a window, given that of another and the affine from its pixels to the new ones."""
    return np.asarray(affine @ projection)


def transform_pixels(pixels: Float[NDArray, "*view point 2"], affine: Float[NDArray, "*view 3 3"]) -> Float[NDArray, "*view point 2"]:
    """Apply an affine to pixels."""
    return np.asarray(pixels @ np.swapaxes(affine[..., :2, :2], -1, -2) + affine[..., None, :2, 2])


def _holds_window(affine: Float[NDArray, "*view 3 3"], side: Float[NDArray, "*view"] | float, size: int) -> Bool[NDArray, "*view"]:
    """Tell whether the outer corners of a window of `size` pixels lie in the stored one, to a thousandth of a pixel."""
    corners = np.array([[x, y] for x in (-0.5, size - 0.5) for y in (-0.5, size - 0.5)])
    places = transform_pixels(np.broadcast_to(corners, (*affine.shape[:-2], 4, 2)), np.linalg.inv(affine))
    farthest = np.asarray(side)[..., None, None] - 0.5
    return np.asarray(((places >= -0.501) & (places <= farthest + 0.001)).all(axis=(-2, -1)))
