"""Shadows: the background, darkened evenly; and how much a room's lamps darken it, learned from all that may be shadow."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from bkind3d.config import SurveyConfig
from bkind3d.data.spacing import spread_indices
from bkind3d.survey.light import Picture

#: A shadow keeps the colour: largest deviation from it, averaged over a window of so many pixels or in its median, as a share of `min_contrast`.
#: The mean is better where colours are noisy; at the subject's outline it holds the subject's, and the median is the shadow's.
#: Where the median is asked, the pixel itself may deviate by so many times as much: thin parts of the subject are not in it.
_COLOUR, _WINDOW, _OWN = 0.3, 5, 2.0
#: The sum over channels, for OpenCV, and the largest number below 1: what is not darker is no shadow.
_SUM, _BELOW_ONE = np.ones((1, 3), np.float32), float(np.nextafter(np.float32(1), np.float32(0)))
#: Frames from which is learned how dark shadows are, and steps of the share to which they darken.
_FRAMES, _STEPS = 20, 50
#: Shadows differ by this much from the usual share, if so large a part of all that may be shadow does not differ more.
_SPREAD, _PEAK = 0.06, 0.35
#: Around a second usual share lie at least this part of all pixels, and this part of those around it next to it: a body's shares are spread.
_SECOND, _SHARP = 0.15, 0.65
#: A subject is of the floor's colour where at least this part of all that may be shadow is darker than shadows are.
_DARKER = 0.1
#: The usual share is not below this one; and shadows darker than the settings expect are a part of what contrasts from this to that large.
_DARKEST, _LEAST, _MOST = 0.15, 0.1, 0.7
#: They show at least this part of the texture that a floor so dark would have.
_TEXTURE = 0.25
#: A shadow's rim is as much lighter as it likes, so many pixels wide.
_RIM = 4

Range = tuple[float, float]


def learn_shadows(sessions: Sequence[UInt8[NDArray, "frame height width 3"]], behind: Picture, config: SurveyConfig) -> Range | None:
    """To which shares, from and to, shadows darken the background; None where the settings say enough.

    One lamp darkens a floor to one share, in all sessions; a second one, or a reflection, to another. Shadows darker than the settings expect
    are believed where they cannot be a dark subject. A subject of the floor's colour has many shares, also of those that are darker than any
    shadow, or beside those of dark ones: that tells it, and then only what is near the usual share is shadow.
    """
    chosen = [samples[spread_indices(len(samples), _FRAMES)] for samples in sessions]
    counts = np.stack([_count_shares(samples, behind, config) for samples in chosen])
    first, reach = round(config.shadow_ratio * _STEPS), round(_SPREAD * _STEPS)
    found = _find_peak(_take_usual(counts, 0), _PEAK)
    if found is None or (found < first and not _is_dark_shadow(found, counts, chosen, behind, config)):
        found = _find_peak(_take_usual(counts, first), _PEAK)
    if found is None:
        return None
    usual = _take_usual(counts, first)
    usual[max(found - 2 * reach, 0) : found + 2 * reach + 1] = 0
    second = _find_peak(usual, _SECOND)  # another lamp's shadow, or a reflection
    if second is not None and usual[second - 1 : second + 2].sum() > _SHARP * usual[max(second - reach, 0) : second + reach + 1].sum():
        found = min(found, second)
    low, high = (found + 0.5) / _STEPS - _SPREAD, (found + 0.5) / _STEPS + _SPREAD
    if found < first:
        return low, high
    own = counts[0, :-1]
    if own[first : max(found - reach, first)].sum() >= _DARKER * own[first:].sum() > 0:
        return low, high
    return (low, 1.0) if low < config.shadow_ratio else None


def _take_usual(counts: Float[NDArray, "session counts"], first: int) -> Float[NDArray, "step"]:
    """The share of pixels at every step from `first` on, in the median over sessions, adding up to 1."""
    shares = np.where(np.arange(_STEPS) >= first, counts[:, :_STEPS], 0.0)
    usual = np.median(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1), axis=0)
    return np.asarray(usual / max(float(usual.sum()), 1e-9))


def _find_peak(usual: Float[NDArray, "step"], least: float) -> int | None:
    """The step around which most pixels are, if they are more than this share."""
    box = np.ones(2 * round(_SPREAD * _STEPS) + 1)
    within = np.convolve(usual, box, "same")
    middle = int(np.convolve(within, box, "same").argmax())  # of several boxes that hold as much, the one in the middle
    return middle if within[middle] > least else None


def _is_dark_shadow(
    found: int,
    counts: Float[NDArray, "session counts"],
    sessions: Sequence[UInt8[NDArray, "frame height width 3"]],
    behind: Picture,
    config: SurveyConfig,
) -> bool:
    """Whether a peak below what the settings expect is a shadow's, not a dark subject's."""
    if found < _DARKEST * _STEPS or not _LEAST < _measure_share(counts, found) < _MOST:
        return False
    return _shows_floor(sessions, behind, config, (found + 0.5) / _STEPS)


def _measure_share(counts: Float[NDArray, "session counts"], middle: int) -> float:
    """Share of what contrasts that is near the step `middle`, in the median over sessions."""
    reach = round(_SPREAD * _STEPS)
    near = counts[:, max(middle - reach, 0) : middle + reach + 1].sum(axis=1)
    return float(np.median(near / np.maximum(counts.sum(axis=1), 1)))


def _shows_floor(sessions: Sequence[UInt8[NDArray, "frame height width 3"]], behind: Picture, config: SurveyConfig, share: float) -> bool:
    """Whether what is darkened to about this share shows the floor's texture, as a shadow does and a body does not: on average over all of it."""
    floor, common, power = _find_texture(behind), 0.0, 0.0
    for sample in (frame for samples in sessions for frame in samples):
        ratio, alike = _compare(sample, behind, config)
        near = alike & (cv2.absdiff(sample, behind).max(axis=2) > config.min_contrast) & (np.abs(ratio - share) < _SPREAD)
        inner = cv2.erode(near.astype(np.uint8), np.ones((_WINDOW, _WINDOW), np.uint8)) > 0
        common += float((_find_texture(sample) * floor)[inner].sum())
        power += float(np.square(floor[inner]).sum())
    return common > _TEXTURE * share * power


def _find_texture(picture: Picture) -> Float[NDArray, "height width"]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.blur(grey, (_WINDOW, _WINDOW)))


def _count_shares(samples: UInt8[NDArray, "frame height width 3"], behind: Picture, config: SurveyConfig) -> Float[NDArray, "step"]:
    """How many pixels that may be shadow are darkened to which share; and last, how many others contrast."""
    counts = np.zeros(_STEPS + 1)
    for sample in samples:
        ratio, alike = _compare(sample, behind, config)
        contrast = cv2.absdiff(sample, behind).max(axis=2) > config.min_contrast
        counts[:-1] += np.histogram(ratio[contrast & alike], _STEPS, (0.0, 1.0))[0]
        counts[-1] += np.count_nonzero(contrast & ~(alike & (ratio <= 1)))
    return counts


def find_shadows(picture: Picture, behind: Picture, config: SurveyConfig, usual: Range | None) -> UInt8[NDArray, "height width"]:
    """255 for pixels that are the background darkened evenly, to the `usual` share if it is known, or that are the rim of such."""
    ratio, alike = _compare(picture, behind, config)
    low, high = usual or (config.shadow_ratio, 1.0)
    darkened = cv2.bitwise_and(255 * alike.astype(np.uint8), cv2.inRange(ratio, low, _BELOW_ONE))
    if high >= 1:
        return np.asarray(darkened, dtype=np.uint8)
    core = cv2.morphologyEx(cv2.bitwise_and(darkened, cv2.inRange(ratio, low, high)), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return np.asarray(core | cv2.bitwise_and(darkened, cv2.dilate(core, np.ones((2 * _RIM + 1,) * 2, np.uint8))), dtype=np.uint8)


def _compare(picture: Picture, behind: Picture, config: SurveyConfig) -> tuple[Float[NDArray, "height width"], NDArray[np.bool_]]:
    """The share to which each pixel is darkened, and where its colour is that of the background, on average or mostly nearby."""
    shown, lit = picture.astype(np.float32), behind.astype(np.float32)
    likeness, power = (cv2.transform(cv2.multiply(one, lit), _SUM) for one in (shown, lit))
    ratio = cv2.divide(likeness, cv2.max(power, 1.0))
    expected = cv2.multiply(lit, cv2.cvtColor(ratio, cv2.COLOR_GRAY2RGB))
    tint = cv2.subtract(shown, expected)
    mean, median, own = (
        cv2.inRange(values, (-limit,) * 3, (limit,) * 3)
        for values, limit in (
            (cv2.blur(tint, (_WINDOW, _WINDOW)), _COLOUR * config.min_contrast),
            (cv2.medianBlur(tint, _WINDOW), _COLOUR * config.min_contrast),
            (tint, _OWN * _COLOUR * config.min_contrast),
        )
    )
    return np.asarray(ratio), np.asarray(mean | (median & own)) > 0
