"""Pairs of frames of one moment and another, both seen through one common window per view."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from bkind3d.geometry.windows import choose_common_window, move_projection


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
    projections: Float[NDArray, "view 3 4"]
    inside: Bool[NDArray, "view"]


def cut_pair(
    images: tuple[Sequence[UInt8[NDArray, "_ _ 3"]], Sequence[UInt8[NDArray, "_ _ 3"]]],
    masks: tuple[Sequence[UInt8[NDArray, "_ _"]], Sequence[UInt8[NDArray, "_ _"]]],
    projections: tuple[Float[NDArray, "view 3 4"], Float[NDArray, "view 3 4"]],
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
    sides = [np.array([len(image) for image in frame], dtype=np.float64) for frame in images]
    window = choose_common_window(projections[0], projections[1], sides[0], sides[1], size)
    affines = (window.affine_a, window.affine_b)
    return FramePair(
        images=np.stack([_warp_views(frame, affine, size, cv2.BORDER_REPLICATE) for frame, affine in zip(images, affines, strict=True)]),
        masks=np.stack([_warp_views(frame, affine, size, cv2.BORDER_CONSTANT) for frame, affine in zip(masks, affines, strict=True)]),
        projections=move_projection(projections[0], window.affine_a),
        inside=window.inside,
    )


def _warp_views(
    images: Sequence[UInt8[NDArray, "_ _ *channel"]], affines: Float[NDArray, "view 3 3"], size: int, border: int
) -> UInt8[NDArray, "view height width *channel"]:
    """Resample every view's window through its affine; beyond the stored window, `border` says what is there."""
    pairs = zip(images, affines[:, :2], strict=True)
    return np.stack([cv2.warpAffine(image, affine, (size, size), flags=cv2.INTER_LINEAR, borderMode=border) for image, affine in pairs])
