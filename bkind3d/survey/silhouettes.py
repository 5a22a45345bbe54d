"""Silhouettes: which pixels of a frame differ from the background, and the clusters they form."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from bkind3d.config import SurveyConfig
from bkind3d.data.parquet import read_table
from bkind3d.survey.background import Background, disc
from bkind3d.survey.light import Picture, UsualLight, change_light, is_covered, measure_gains, thin_out
from bkind3d.survey.shadows import find_shadows

#: What is foreground: 0, and 1 or 255.
Mask = UInt8[NDArray, "height width"]
#: Pieces nearer to each other than this share of the picture's longer side belong to one cluster.
_LINK_SHARE = 0.04
#: Least area of a piece of a cluster, as a share of the least area of a cluster.
_PIECE_SHARE = 0.25
#: Gaps of a silhouette up to this share of the picture's longer side are closed where the background is hidden throughout.
_HIDDEN_GAP_SHARE = 0.065
#: A pixel of the outermost rim stays if its contrast is at least this share of the largest one beside it in the silhouette.
_RIM_SHARE = 0.4
#: A gap is not closed where it contrasts by less than the same share of what the silhouette in a window of so many pixels does on average,
#: and by so many grey levels less: beside an outline so strong, a part of the subject would contrast, too.
_GAP_WINDOW, _GAP_STEP = 5, 40.0
_CROSS, _SQUARE = (cv2.getStructuringElement(shape, (3, 3)) for shape in (cv2.MORPH_CROSS, cv2.MORPH_RECT))
#: Pictures of a noisy camera are averaged over windows of so many pixels, which divides the noise, and what has to contrast, by so much.
_NOISE_WINDOW, _NOISE_GAIN = 3, 2.0
#: A video has no colour where the channels of its background differ by less than this, grey levels, in nearly all pixels.
_GREY, _GREY_PERCENTILE = 4, 99
#: A picture is searched first in blocks: it is halved so often, which leaves blocks with a side of so many pixels, and one marked
#: pixel of a block is a mean of 4 grey levels, two are 8.
_HALVINGS, _BLOCK, _LEAST_MEAN = 3, 8, 6
#: Largest number of clusters that are kept.
MAX_CLUSTERS = 4


@dataclass(frozen=True)
class Silhouettes:
    """The foreground of one frame.

    Attributes
    ----------
    mask : (height, width) 0 or 255, all clusters.
    clusters : (n, 7) largest first: area, centroid x, y, box x0, y0, x1, y1 (centres of the outermost pixels), pixels.
    covered : whether something before the lens hides the scene; then there are no clusters.
    shadows : (height, width) 0 or 255, what contrasts and is taken for shadow; None for nothing.
    """

    mask: Mask
    clusters: Float[NDArray, "cluster 7"]
    covered: bool = False
    shadows: Mask | None = None


class SilhouetteFinder:
    """Finds, in pictures of one camera, the clusters of pixels that are neither background nor shadow.

    Pictures are searched block by block first; all that is costly is done in the part around what was found there. The background follows
    the light of each picture; the subject may be in the `region`, or everywhere without one.
    """

    def __init__(self, background: Background, config: SurveyConfig, region: Bool[NDArray, "height width"] | None = None) -> None:
        self.background, self.config = background, config
        self._region = None if region is None else 255 * region.astype(np.uint8)
        self._thinned = thin_out(background.picture)
        self._light = UsualLight(self._thinned, config.min_contrast)
        # Shadows are told by their colour, so not in infrared: there, most of a dark subject would be taken for one.
        channels = background.picture.astype(np.int16)
        self._coloured = np.percentile(np.ptp(channels[::4, ::4], axis=2), _GREY_PERCENTILE) >= _GREY
        limit = np.maximum(config.min_contrast, config.contrast * background.spread)
        self._noisy = config.contrast * float(np.median(background.spread)) > config.min_contrast
        limit = limit / _NOISE_GAIN if self._noisy else limit
        self._limit = np.clip(np.floor(limit), 0, 255).astype(np.uint8)
        height, width = background.picture.shape[:2]
        # Places for what is large and made for every picture: to ask for new ones takes longer than to fill them.
        self._differences = np.empty_like(background.picture)
        self._channels = [np.empty((height, width), np.uint8) for _ in range(3)]
        self._padding = (0, -height % _BLOCK, 0, -width % _BLOCK)
        self._least_area = _find_least_area(background.picture.shape[:2], config)
        self._hidden = background.hidden.astype(np.uint8) if background.hidden is not None and background.hidden.any() else None
        self._hidden_gap = max(config.close_px, round(_HIDDEN_GAP_SHARE * max(width, height)))

    def find(self, picture: Picture) -> Silhouettes:
        """Find the silhouettes in `picture` (RGB)."""
        mask, clusters = np.zeros(picture.shape[:2], np.uint8), np.zeros((0, 7))
        thinned, behind = thin_out(picture), self.background.picture
        if not self._light.is_usual(thinned):
            gains = measure_gains(thinned, self._thinned)
            if is_covered(thinned, self._thinned, gains, self.config.min_contrast):
                return Silhouettes(mask, clusters, covered=True)
            behind = change_light(behind, gains)
        contrasting = self._find_contrast(picture, behind)
        part = self._bound(contrasting)
        if part is None:
            return Silhouettes(mask, clusters)
        foreground, shadows = contrasting[part] & 1, None
        if self._coloured:
            darkened = foreground & find_shadows(picture[part], behind[part], self.config, self.background.shadow)
            foreground &= ~darkened
            if cv2.countNonZero(darkened):
                shadows = np.zeros_like(mask)
                shadows[part] = 255 * darkened
        filled = _choose_pieces(self._fill(foreground, part), 8, _PIECE_SHARE * self._least_area, np.inf)
        own = foreground & _trim_rim(filled, _measure_contrast(picture[part], behind[part]))
        open_ = _find_open(foreground, _measure_contrast(*self._soften(picture[part], behind[part])))
        open_ = open_ if self._hidden is None else open_ & ~self._hidden[part]
        clusters = _gather(own | (filled & ~foreground & ~open_), part, mask, self.config)
        return Silhouettes(mask, clusters, shadows=shadows)

    def _find_contrast(self, picture: Picture, behind: Picture) -> Mask:
        """255 where a channel differs from the background by more than it usually does, and the subject may be."""
        picture, behind = self._soften(picture, behind)
        red, green, blue = cv2.split(cv2.absdiff(picture, behind, dst=self._differences), self._channels)
        marked = cv2.compare(cv2.max(cv2.max(red, green, dst=red), blue, dst=red), self._limit, cv2.CMP_GT, dst=green)
        return np.asarray(marked if self._region is None else cv2.bitwise_and(marked, self._region), dtype=np.uint8)

    def _soften(self, *pictures: Picture) -> tuple[Picture, ...]:
        """The pictures, averaged nearby if the camera is noisy."""
        return tuple(cv2.blur(one, (_NOISE_WINDOW, _NOISE_WINDOW)) for one in pictures) if self._noisy else pictures

    def _fill(self, foreground: Mask, part: tuple[slice, slice]) -> Mask:
        """Close gaps; where the background is hidden throughout, wide ones: there the subject contrasts with itself alone."""
        filled = close_gaps(foreground, self.config.close_px)
        if self._hidden is None:
            return filled
        # What closes gaps and holes stays within the foreground's box.
        x, y, width, height = cv2.boundingRect(foreground)
        open_ = cv2.compare(self._hidden[part], filled, cv2.CMP_GT)[y : y + height, x : x + width]
        if width == 0 or cv2.countNonZero(open_) == 0:
            return filled
        return filled | (close_gaps(foreground, self._hidden_gap) & self._hidden[part])

    def _bound(self, marked: Mask) -> tuple[slice, slice] | None:
        """The part of the picture that holds every block with more than single marked pixels, with a margin."""
        means = cv2.copyMakeBorder(marked, *self._padding, cv2.BORDER_CONSTANT, value=0) if any(self._padding) else marked
        for _ in range(_HALVINGS):
            means = cv2.resize(means, (means.shape[1] // 2, means.shape[0] // 2), interpolation=cv2.INTER_AREA)
        x, y, width, height = cv2.boundingRect(cv2.compare(means, _LEAST_MEAN, cv2.CMP_GE))
        if width == 0:
            return None
        first, last = (max(0, start - 1) * _BLOCK for start in (y, x)), ((y + height + 1) * _BLOCK, (x + width + 1) * _BLOCK)
        rows, columns = (slice(begin, end) for begin, end in zip(first, last, strict=True))
        return rows, columns


def _measure_contrast(picture: Picture, behind: Picture) -> Mask:
    """The largest difference of a channel, grey levels."""
    red, green, blue = cv2.split(cv2.absdiff(picture, behind))
    return np.asarray(cv2.max(cv2.max(red, green), blue), dtype=np.uint8)


def _trim_rim(foreground: Mask, contrast: Mask) -> Mask:
    """Take pixels off the outermost rim in which there is more background than subject, by their contrast beside a neighbour's."""
    inner = cv2.erode(foreground, _CROSS)
    contrast = cv2.multiply(contrast, foreground)
    least = cv2.convertScaleAbs(cv2.dilate(contrast, _SQUARE), alpha=_RIM_SHARE)
    return (foreground & cv2.compare(contrast, least, cv2.CMP_GE)) | inner


def _find_open(foreground: Mask, contrast: Mask) -> Mask:
    """1 where there is background beside the foreground: it contrasts far less than that does nearby, on average."""
    window = (_GAP_WINDOW, _GAP_WINDOW)
    sums, counts = (cv2.boxFilter(one, cv2.CV_32F, window, normalize=False) for one in (cv2.multiply(contrast, foreground), foreground))
    nearby = cv2.divide(sums, cv2.max(counts, 1.0))
    return np.asarray((contrast < _RIM_SHARE * nearby) & (contrast < nearby - _GAP_STEP), dtype=np.uint8)


def gather_clusters(foreground: Mask, config: SurveyConfig) -> Silhouettes:
    """The silhouettes that a picture's foreground (0 or 1) forms, but for what is too small."""
    height, width = foreground.shape
    mask = np.zeros((height, width), np.uint8)
    foreground = _choose_pieces(foreground, 8, _PIECE_SHARE * _find_least_area((height, width), config), np.inf)
    return Silhouettes(mask, _gather(foreground, (slice(0, height), slice(0, width)), mask, config))


def _gather(foreground: Mask, part: tuple[slice, slice], mask: Mask, config: SurveyConfig) -> Float[NDArray, "cluster 7"]:
    """The largest clusters of the foreground (0 or 1) in a part of the picture; they are drawn into its `mask`."""
    linking = max(config.close_px, round(_LINK_SHARE * max(mask.shape)))
    linked = cv2.dilate(foreground, np.ones((linking, linking), np.uint8))
    n_labels, labels = cv2.connectedComponents(linked, connectivity=8, ltype=cv2.CV_16U)
    masks = [labels == label for label in range(1, n_labels)] if n_labels > 2 else [linked]
    pieces = [cv2.bitwise_and(foreground, one.astype(np.uint8)) for one in masks]
    least = _find_least_area(mask.shape, config)
    found = [(_measure_cluster(piece, part), piece) for piece in pieces if cv2.countNonZero(piece) >= least]
    found = sorted(found, key=lambda item: -item[0][0])[:MAX_CLUSTERS]
    for _, piece in found:
        cv2.bitwise_or(mask[part], 255 * piece, dst=mask[part])
    return np.array([numbers for numbers, _ in found], dtype=np.float64).reshape(-1, 7)


def _find_least_area(shape: tuple[int, ...], config: SurveyConfig) -> float:
    """Area of the smallest cluster, pixels, in a picture of (height, width)."""
    return max(4.0, config.min_area * shape[0] * shape[1])


def describe_clusters(clusters: Float[NDArray, "..."]) -> dict[str, Any]:
    """The largest cluster in the table's columns, and all of them as one list of 7 numbers each."""
    first = clusters[0] if len(clusters) else np.array([0.0] + 6 * [np.nan])
    names = ("area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1")
    return {**dict(zip(names, first.tolist(), strict=True)), "clusters": clusters.ravel().tolist()}


def encode_mask(mask: Mask) -> bytes:
    """Encode a silhouette (0 or 255) as PNG with one bit per pixel; zlib alone does it in a third of the time that OpenCV takes."""
    height, width = mask.shape
    # Each row begins with the number of its filter: none.
    rows = cv2.copyMakeBorder(np.packbits(mask, axis=1), 0, 0, 1, 0, cv2.BORDER_CONSTANT, value=0)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)) for kind, content in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def decode_mask(content: bytes) -> Mask:
    """Decode a silhouette from PNG."""
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def read_silhouettes(survey: str | Path, camera: str, revised: str | Path | None, frames: list[int] | None = None) -> pd.Series:
    """A camera's silhouettes as PNG, by frame: those of its survey, or as they are `revised` (a table ``silhouettes``)."""
    found = read_table(survey, "survey", ["frame", "mask"], frames=frames).set_index("frame")["mask"]
    if revised is not None:
        changed = read_table(revised, "silhouettes", frames=frames)
        found.update(changed[changed["camera"] == camera].set_index("frame")["mask"])
    return found


def close_gaps(foreground: Mask, gap: int) -> Mask:
    """Close gaps up to `gap` pixels wide, and fill holes up to three times as wide, be they open through a crack."""
    if gap < 1:
        return foreground
    edge = gap + 1
    padded = cv2.copyMakeBorder(foreground, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc((gap + 1) // 2))
    pit = disc(gap // 4)
    holes = _choose_pieces(cv2.morphologyEx(1 - closed, cv2.MORPH_OPEN, pit), 4, 0, (3 * gap) ** 2)
    filled = cv2.morphologyEx(closed | holes, cv2.MORPH_CLOSE, pit)
    return np.asarray(filled[edge:-edge, edge:-edge], dtype=np.uint8)


def _choose_pieces(marked: Mask, connectivity: int, least: float, most: float) -> Mask:
    """1 for pixels of those connected pieces of `marked` (0 or 1) whose area, pixels, is from `least` to `most`."""
    # Counting labels afterwards is many times faster than OpenCV's statistics.
    n_labels, labels = cv2.connectedComponents(marked, connectivity=connectivity)
    if n_labels <= 2:
        return marked if least <= cv2.countNonZero(marked) <= most else np.zeros_like(marked)
    areas = np.bincount(labels.ravel(), minlength=n_labels)
    chosen = (areas >= least) & (areas <= most)
    chosen[0] = False
    if chosen[1:].all():
        return marked
    if n_labels <= 256:
        table = np.zeros(256, np.uint8)
        table[:n_labels] = chosen
        return np.asarray(cv2.LUT(labels.astype(np.uint8), table), dtype=np.uint8)
    return chosen[labels].astype(np.uint8)


def _measure_cluster(piece: Mask, part: tuple[slice, slice]) -> list[float]:
    """The seven numbers of a cluster (0 or 1) that was found in `part` of the picture."""
    moments = cv2.moments(piece, binaryImage=True)
    x, y, width, height = cv2.boundingRect(piece)
    left, top = part[1].start, part[0].start
    centroid = [moments["m10"] / moments["m00"] + left, moments["m01"] / moments["m00"] + top]
    box = [x + left, y + top, x + width - 1 + left, y + height - 1 + top]
    return [float(number) for number in (moments["m00"], *centroid, *box)]
