"""The light of a moment: lamps flicker, clouds pass, cameras adjust their exposure; and somebody may hold a hand before one."""

import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

Picture = UInt8[NDArray, "height width 3"]
#: The pixels of a picture's :func:`thin_out`.
Grid = UInt8[NDArray, "row column 3"]
#: Pixels along the longer side of the grid on which the light is measured.
_GRID_SIDE = 40
#: Grey levels outside of which a pixel says little about the light: dark noise, and what is overexposed.
_DARK, _BRIGHT = 24, 245
#: With fewer usable pixels than this the light is taken for unchanged.
_FEWEST = 50
#: A smaller change of the light than this share is none.
_LEAST_CHANGE = 0.015
#: A picture darker than this share of the usual one is not made lighter by more.
_LEAST_GAIN = 0.05
#: A picture is not the scene's where more than this share of it contrasts, or the light changed by more than this factor
#: (its logarithm), and it has less than this correlation with the scene.
_COVERED_SHARE, _COVERED_CHANGE, _COVERED_CORRELATION = 0.5, 0.4, 0.5


def thin_out(pictures: UInt8[NDArray, "*frame height width 3"]) -> UInt8[NDArray, "*frame row column 3"]:
    """The pixels of a regular grid: enough of them to measure the light."""
    step = max(1, max(pictures.shape[-3:-1]) // _GRID_SIDE)
    return np.ascontiguousarray(pictures[..., step // 2 :: step, step // 2 :: step, :])


def measure_gains(shown: Grid, usual: Grid) -> Float[NDArray, "3"]:
    """Factor, per channel, of the light in a picture on that in the usual one; exactly 1 where it hardly differs.

    It is the median over pixels, so that a subject may cover nearly a half of them.
    """
    usable = ((usual > _DARK) & (usual < _BRIGHT) & (shown < _BRIGHT)).all(axis=-1)
    if np.count_nonzero(usable) < _FEWEST:
        return np.ones(3)
    ratios = shown[usable] / usual[usable].astype(np.float32)
    middle = len(ratios) // 2
    gains = np.maximum(np.partition(ratios, middle, axis=0)[middle].astype(np.float64), _LEAST_GAIN)
    return gains if np.abs(gains - 1).max() > _LEAST_CHANGE else np.ones(3)


class UsualLight:
    """Tells quickly, of most pictures, that they show the usual scene in the usual light.

    What it says yes to has gains of exactly 1 (:func:`measure_gains`) and is not covered (:func:`is_covered`); where it says no,
    these have to be asked. It counts pixels beyond limits that are known beforehand, instead of dividing and sorting. `usual` is the
    thinned background; pixels contrast from `least_contrast` grey levels on.
    """

    def __init__(self, usual: Grid, least_contrast: float) -> None:
        self._usual, self._least_contrast = usual, math.floor(least_contrast)
        usable = ((usual > _DARK) & (usual < _BRIGHT)).all(axis=-1, keepdims=True)
        self._n_usable = int(np.count_nonzero(usable))
        # Pixels that say nothing are neither darker than 0 nor brighter than 255.
        self._low = np.where(usable, np.ceil((1 - _LEAST_CHANGE) * usual), 0).astype(np.uint8)
        self._high = np.where(usable, np.floor((1 + _LEAST_CHANGE) * usual), 255).astype(np.uint8)

    def is_usual(self, shown: Grid) -> bool:
        """Whether a thinned picture shows the usual scene in the usual light; no is said to some that do."""
        n_pixels, in_rows = shown[..., 0].size, (len(shown), -1)
        contrasting = cv2.compare(cv2.absdiff(shown, self._usual).reshape(in_rows), self._least_contrast, cv2.CMP_GT)
        if cv2.countNonZero(contrasting) > _COVERED_SHARE * n_pixels:
            return False
        overexposed = cv2.countNonZero(cv2.compare(shown.reshape(in_rows), _BRIGHT - 1, cv2.CMP_GT))
        n_surely = self._n_usable - overexposed
        most = (n_surely - 1) // 2
        counts = [cv2.mean(cv2.compare(shown, limit, how)) for limit, how in ((self._low, cv2.CMP_LT), (self._high, cv2.CMP_GT))]
        return n_surely >= _FEWEST and max(max(means) for means in counts) * n_pixels <= 255 * most


def change_light(picture: Picture, gains: Float[NDArray, "3"]) -> Picture:
    """The picture in another light."""
    return np.asarray(cv2.multiply(picture, (*gains.tolist(), 0.0)), dtype=np.uint8) if (gains != 1).any() else picture


def is_covered(shown: Grid, usual: Grid, gains: Float[NDArray, "3"], least_contrast: float) -> bool:
    """Tell whether a picture does not show the usual scene in another light (`gains`): something is before the lens."""
    first, second = shown.astype(np.float32), change_light(usual, gains).astype(np.float32)
    contrasting = (np.abs(first - second).max(axis=-1) > least_contrast).mean()
    if contrasting <= _COVERED_SHARE and np.abs(np.log(gains)).max() <= _COVERED_CHANGE:
        return False
    first, second = first.mean(axis=-1) - first.mean(), second.mean(axis=-1) - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return bool((first * second).sum() <= _COVERED_CORRELATION * scale)
