"""Silhouettes: which pixels of a frame differ from the background, and the clusters they form."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from bkind3d.config import SurveyConfig
from bkind3d.survey.background import Background, disc, largest_channel

#: Pieces nearer to each other than this share of the picture's longer side belong to one cluster.
_LINK_SHARE = 0.04
#: Least area of a piece of a cluster, as a share of the least area of a cluster.
_PIECE_SHARE = 0.25
#: A shadow keeps the colour: largest deviation from it, averaged over a window of so many pixels, as a share of `min_contrast`.
_SHADOW_COLOUR, _SHADOW_WINDOW = 0.3, 5
#: Largest number of clusters that are kept.
MAX_CLUSTERS = 4


@dataclass(frozen=True)
class Silhouettes:
    """The foreground of one frame.

    Attributes
    ----------
    mask : (height, width) 0 or 255, all clusters.
    clusters : (n, 7) largest first: area, centroid x, y, box x0, y0, x1, y1 (centres of the outermost pixels), pixels.
    """

    mask: UInt8[NDArray, "height width"]
    clusters: Float[NDArray, "cluster 7"]


def find_silhouettes(picture: UInt8[NDArray, "height width 3"], background: Background, config: SurveyConfig) -> Silhouettes:
    """Find the clusters of pixels of `picture` (RGB) that are neither background nor shadow."""
    foreground = find_foreground(picture, background, config).astype(np.uint8)
    least_area = max(4.0, config.min_area * foreground.size)
    foreground = _drop_small(_close_gaps(foreground, config.close_px), _PIECE_SHARE * least_area)
    link = max(config.close_px, round(_LINK_SHARE * max(foreground.shape)))
    _, labels = cv2.connectedComponents(cv2.dilate(foreground, np.ones((link, link), np.uint8)), connectivity=8, ltype=cv2.CV_32S)
    labels[foreground == 0] = 0
    found = [_measure_cluster(labels == label) for label in np.unique(labels[labels > 0])]
    kept = sorted((item for item in found if item[0][0] >= least_area), key=lambda item: -item[0][0])[:MAX_CLUSTERS]
    mask = np.zeros(foreground.shape, np.uint8)
    for _, pixels in kept:
        mask[pixels] = 255
    return Silhouettes(mask, np.array([numbers for numbers, _ in kept], dtype=np.float64).reshape(-1, 7))


def encode_mask(mask: UInt8[NDArray, "height width"]) -> bytes:
    """Encode a silhouette (0 or 255) as PNG."""
    return cv2.imencode(".png", mask)[1].tobytes()


def decode_mask(content: bytes) -> UInt8[NDArray, "height width"]:
    """Decode a silhouette from PNG."""
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def find_foreground(
    picture: UInt8[NDArray, "height width 3"], background: Background, config: SurveyConfig
) -> Bool[NDArray, "height width"]:
    """Mark the pixels that contrast with the background and are no shadow on it."""
    contrast = largest_channel(cv2.absdiff(picture, background.picture))
    foreground = (contrast > np.maximum(config.min_contrast, config.threshold * background.spread)).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(foreground)
    if width == 0:
        return foreground > 0
    # A margin, so that colours are averaged alike everywhere inside.
    part = np.s_[max(0, y - _SHADOW_WINDOW) : y + height + _SHADOW_WINDOW, max(0, x - _SHADOW_WINDOW) : x + width + _SHADOW_WINDOW]
    foreground[part] &= ~_find_shadows(picture[part], background.picture[part], config)
    return foreground > 0


def _find_shadows(
    picture: UInt8[NDArray, "height width 3"], behind: UInt8[NDArray, "height width 3"], config: SurveyConfig
) -> Bool[NDArray, "height width"]:
    """Mark pixels that are the background darkened evenly: the colour's deviation from that, averaged nearby, is small."""
    lit, shown = behind.astype(np.float32), picture.astype(np.float32)
    ratio = _add_channels(shown * lit) / np.maximum(_add_channels(lit * lit), 1.0)
    tint = largest_channel(np.abs(cv2.blur(shown - ratio[..., None] * lit, (_SHADOW_WINDOW, _SHADOW_WINDOW))))
    return np.asarray((ratio >= config.shadow_ratio) & (ratio < 1) & (tint <= _SHADOW_COLOUR * config.min_contrast))


def _add_channels(values: Float[NDArray, "height width 3"]) -> Float[NDArray, "height width"]:
    return values[..., 0] + values[..., 1] + values[..., 2]


def _close_gaps(foreground: UInt8[NDArray, "height width"], gap: int) -> UInt8[NDArray, "height width"]:
    """Close gaps up to `gap` pixels wide, and fill holes up to three times as wide, be they open through a crack."""
    if gap < 1:
        return foreground
    edge = gap + 1
    padded = cv2.copyMakeBorder(foreground, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc((gap + 1) // 2))
    pit = disc(gap // 4)
    _, labels, sizes, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(1 - closed, cv2.MORPH_OPEN, pit), connectivity=4)
    hole = sizes[:, cv2.CC_STAT_AREA] <= (3 * gap) ** 2
    hole[0] = False
    filled = cv2.morphologyEx(closed | hole[labels].astype(np.uint8), cv2.MORPH_CLOSE, pit)
    return np.asarray(filled[edge:-edge, edge:-edge], dtype=np.uint8)


def _drop_small(foreground: UInt8[NDArray, "height width"], least_area: float) -> UInt8[NDArray, "height width"]:
    _, labels, sizes, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    large = sizes[:, cv2.CC_STAT_AREA] >= least_area
    large[0] = False
    return large[labels].astype(np.uint8)


def _measure_cluster(pixels: Bool[NDArray, "height width"]) -> tuple[list[float], Bool[NDArray, "height width"]]:
    rows, columns = np.nonzero(pixels)
    numbers = [len(rows), columns.mean(), rows.mean(), columns.min(), rows.min(), columns.max(), rows.max()]
    return [float(number) for number in numbers], pixels
