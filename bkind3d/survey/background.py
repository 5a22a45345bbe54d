"""The background of a static camera's video, found in frames spread over it.

The median over time is right wherever the subject is seldom. Where it stays for long, the median shows the subject. There,
and only there, the colours of those frames are taken in which the pixel is connected to the undisputed surroundings
without crossing an outline that is not always there: in those frames nobody stands on it. Where there is no such frame,
the background is hidden throughout, by a subject that keeps its place.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from bkind3d.config import SurveyConfig
from bkind3d.data.spacing import spread_indices
from bkind3d.survey.light import Picture, change_light, is_covered, measure_gains, thin_out

Pictures = UInt8[NDArray, "frame height width 3"]
Marks = Bool[NDArray, "height width"]
#: From the median absolute deviation to a standard deviation (normal noise).
_MAD_TO_STD = 1.4826
#: A pixel whose central 90 % of colours spread this many thresholds is disputed: somebody was there for long.
_DISPUTED_SPREAD = 2.0
#: Disputed regions smaller than this share of the picture are left to the median.
_DISPUTED_AREA = 0.002
#: Disputed regions are joined over gaps of twice this part of the picture's longer side: what rests between them is the subject.
_BRIDGE = 16
#: The search for undisturbed frames works on pictures of at most this long a side, and on this many frames.
_SEARCH_SIDE, _SEARCH_FRAMES = 160, 40
#: Of so many of the searched frames, the least disturbed ones, the median is taken.
_SEARCH_BEST = 5
#: Rounds of the search: each knows more of the background's own outlines.
_SEARCH_ROUNDS = 3
#: What is more disturbed than this even in those frames (grey levels above the noise) is hidden throughout.
_HIDDEN = 1.5
#: Share of the frames in which an outline has to be there to be the background's: the subject seldom stays that long.
_LASTING = 0.8
#: Cost of a step in a picture without outlines: of two clean frames the shorter way wins.
_STEP_COST = 0.02
#: Pixels whose values over time are looked at together: they fit into the processor's cache.
_AT_ONCE = 16_384
#: Where the median deviation is larger than this many times the picture's typical one, it is the subject's, not noise.
_MAX_SPREAD = 3.0


@dataclass(frozen=True)
class Background:
    """A background model.

    Attributes
    ----------
    picture : (height, width, 3) RGB.
    spread : (height, width) robust standard deviation over time, grey levels.
    hidden : (height, width) where nobody ever saw the background: `picture` shows what stands on it; None is nowhere.
    shadow : to which shares, from and to, shadows darken it; None where that is not known.
    """

    picture: Picture
    spread: Float[NDArray, "height width"]
    hidden: Marks | None = None
    shadow: tuple[float, float] | None = None


def model_background(samples: Pictures, config: SurveyConfig) -> Background:
    """Model the background from frames spread evenly over a video."""
    samples = _even_light(samples, config)
    count = len(samples)
    median, low, high = (choose_rank(samples, rank) for rank in (count // 2, count // 20, count - 1 - count // 20))
    deviations = np.stack([largest_channel(cv2.absdiff(sample, median)) for sample in samples])
    spread = _MAD_TO_STD * choose_rank(deviations, count // 2).astype(np.float32)
    noise = max(float(np.median(spread)), 1.0)
    range_ = largest_channel(cv2.subtract(high, low))
    disputed = _find_disputed(range_ > _DISPUTED_SPREAD * max(config.min_contrast, config.contrast * noise))
    picture, hidden = median, None
    if disputed.any():
        undisturbed, hidden = _find_undisturbed(samples, disputed, noise)
        picture = np.where(disputed[..., None], undisturbed, picture)
    return Background(picture, np.clip(spread, noise / 2, _MAX_SPREAD * noise), hidden)


def _even_light(samples: Pictures, config: SurveyConfig) -> UInt8[NDArray, "sample height width 3"]:
    """The samples in the light of their median, without those that show something held before the lens."""
    thinned = thin_out(samples)
    usual = _middle(thinned)
    gains = [measure_gains(sample, usual) for sample in thinned]
    covered = [is_covered(sample, usual, gain, config.min_contrast) for sample, gain in zip(thinned, gains, strict=True)]
    if not any(covered) and all((gain == 1).all() for gain in gains):
        return samples
    kept = [index for index, over in enumerate(covered) if not over] or list(range(len(samples)))
    return np.stack([change_light(samples[index], 1 / gains[index]) for index in kept])


def _find_disputed(varied: Marks) -> Marks:
    """The larger regions of pixels that varied, with what they enclose: the subject was there for a twentieth of the time."""
    marked = varied.astype(np.uint8)
    side = max(marked.shape)
    marked = cv2.morphologyEx(marked, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    marked = cv2.morphologyEx(marked, cv2.MORPH_CLOSE, disc(side // _BRIDGE))
    outlines, _ = cv2.findContours(marked, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [outline for outline in outlines if cv2.contourArea(outline) > _DISPUTED_AREA * marked.size]
    region = cv2.drawContours(np.zeros_like(marked), large, -1, 1, cv2.FILLED)
    return np.asarray(cv2.dilate(region, disc(max(2, side // 150))) > 0)


def _find_undisturbed(samples: Pictures, disputed: Marks, noise: float) -> tuple[Picture, Marks]:
    """Per disputed pixel, the median colour of the frames in which it is best connected to the surroundings; and where none is."""
    height, width = disputed.shape
    chosen = samples[spread_indices(len(samples), _SEARCH_FRAMES)]
    shrink = max(1, round(max(height, width) / _SEARCH_SIDE))
    small_size = (max(3, width // shrink), max(3, height // shrink))
    small = np.stack([cv2.resize(frame, small_size, interpolation=cv2.INTER_AREA) for frame in chosen]).astype(np.float32)
    inside = cv2.resize(disputed.astype(np.uint8), small_size, interpolation=cv2.INTER_AREA) > 0
    inside[[0, -1], :] = inside[:, [0, -1]] = False
    steps = [np.diff(small, axis=axis) for axis in (1, 2)]
    usual = [_find_common_steps(of_axis, noise, _LASTING, np.float32(0)) for of_axis in steps]
    for _ in range(_SEARCH_ROUNDS):
        disturbance = np.stack([_measure_disturbance(frame, inside, usual, noise) for frame in small])
        # What the least disturbed frames have in common belongs to the background, though it be covered for most of the time.
        pairs = (np.maximum(disturbance[:, :-1], disturbance[:, 1:]), np.maximum(disturbance[:, :, :-1], disturbance[:, :, 1:]))
        clean = [np.take_along_axis(of_axis, _find_smallest(pair)[..., None], axis=0) for of_axis, pair in zip(steps, pairs, strict=True)]
        usual = [_find_common_steps(of_axis, noise, 1.0, known) for of_axis, known in zip(clean, usual, strict=True)]
    best = _find_smallest(disturbance)
    full = np.stack([cv2.resize(layer.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) for layer in best])
    least = np.take_along_axis(disturbance, best[-1:], axis=0)[0]
    hidden = cv2.resize((least > _HIDDEN).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) & disputed
    hidden = cv2.morphologyEx(hidden, cv2.MORPH_CLOSE, disc(max(1, max(height, width) // 60)))
    hidden = cv2.morphologyEx(hidden, cv2.MORPH_OPEN, disc(max(1, max(height, width) // 160)))
    return _middle(np.take_along_axis(chosen, full[..., None], axis=0)), hidden > 0


def _find_common_steps(
    steps: Float[NDArray, "frame height width 3"], noise: float, share: float, otherwise: Shaped[NDArray, "..."] | np.float32
) -> Float[NDArray, "height width 3"]:
    """The steps between neighbouring pixels that are there in at least this `share` of the frames: outlines of the background."""
    middle = _middle(steps)
    same = np.stack([largest_channel(np.abs(step - middle)) <= 3 * noise for step in steps])
    return np.where((same.mean(axis=0) >= share)[..., None], middle, otherwise)


def _find_smallest(disturbance: Float[NDArray, "frame height width"]) -> Int[NDArray, "rank height width"]:
    """The least disturbed frames of every pixel, best first."""
    return np.argsort(disturbance, axis=0, kind="stable")[:_SEARCH_BEST]


def choose_rank(values: UInt8[NDArray, "frame *pixel"], rank: int) -> UInt8[NDArray, "*pixel"]:
    """The value with `rank` (from 0) over the first axis, bit by bit: several times faster than sorting, and nothing is turned round."""
    rows = values.reshape(len(values), -1)
    found, kind = np.zeros(rows.shape[1], np.uint8), np.uint8 if len(rows) < 256 else np.uint16
    for first in range(0, rows.shape[1], _AT_ONCE):
        part, chosen = rows[:, first : first + _AT_ONCE], found[first : first + _AT_ONCE]
        for bit in np.array([128, 64, 32, 16, 8, 4, 2, 1], np.uint8):
            candidate = chosen | bit
            n_below = np.add.reduce(np.less(part, candidate).view(np.uint8), axis=0, dtype=kind)
            np.copyto(chosen, candidate, where=n_below <= rank)
    return found.reshape(values.shape[1:])


def _middle(values: Shaped[NDArray, "..."]) -> Shaped[NDArray, "..."]:
    """Median over the first axis (the upper one of two)."""
    return np.asarray(np.sort(np.ascontiguousarray(np.moveaxis(values, 0, -1)), axis=-1)[..., len(values) // 2])


def _measure_disturbance(
    frame: Float[NDArray, "height width 3"], inside: Marks, usual: list[Float[NDArray, "..."]], noise: float
) -> Float[NDArray, "height width"]:
    """Sum of the unusual outlines on the best way from the undisputed surroundings to each pixel (geodesic distance)."""
    height, width = inside.shape
    number = np.arange(height * width).reshape(height, width)
    starts, ends, costs = [], [], []
    for axis, usual_step in enumerate(usual):
        step = np.diff(frame, axis=axis)
        unusual = largest_channel(np.minimum(np.abs(step), np.abs(step - usual_step)))
        first, second = (number[:-1], number[1:]) if axis == 0 else (number[:, :-1], number[:, 1:])
        free = ~(inside.ravel()[first] | inside.ravel()[second])
        costs.append(np.where(free, 1e-6, np.maximum(unusual - noise, 0) + _STEP_COST).ravel())
        starts.append(first.ravel())
        ends.append(second.ravel())
    edges = (np.concatenate(costs), (np.concatenate(starts), np.concatenate(ends)))
    return np.asarray(dijkstra(csr_matrix(edges, shape=(number.size, number.size)), directed=False, indices=0)).reshape(height, width)


@cache
def disc(radius: int) -> UInt8[NDArray, "side side"]:
    """A round structuring element of `radius` pixels."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), dtype=np.uint8)


def largest_channel(values: Shaped[NDArray, "..."]) -> Shaped[NDArray, "..."]:
    """The largest of three channels (several times faster than ``max(axis=2)``)."""
    return np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])
