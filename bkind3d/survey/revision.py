"""Silhouettes, revised by what other views see: shadows lie on the floor, a subject stands before it, and a reflection is below it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.config import SurveyConfig
from bkind3d.data.parquet import PICTURE_ROWS, read_metadata, read_table
from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import pixel_directions, project_through_lens
from bkind3d.survey.floor import Plane, find_floor
from bkind3d.survey.silhouettes import Mask, Silhouettes, close_gaps, decode_mask, gather_clusters

#: Moments from which the floor, and the subject's height above it, are learned.
_MOMENTS = 24
#: What is seen on the floor may be off by so much of the picture's longer side: calibration, and moments that differ.
_TOLERANCE = 0.007
#: Faults of frames in which a view says nothing.
_BLIND = ("black", "covered", "missing", "frozen")
#: Heights above the floor at which other views are asked, up to the subject's height; and with more steps, up to the cameras', to find that height.
_HEIGHTS, _SEARCHED = 24, 40
#: The subject's height is so much more than that below which this share of its pixels has its highest point that all views agree on.
_MARGIN, _BELOW = 1.6, 0.98
#: Views that are asked about a pixel, at most; where they see it is computed for every so manieth pixel.
_ASKED, _GRID = 5, 4
#: Far outside of any picture, pixels.
_FAR = -1e4
#: Something that is in none of two other views is not the subject's.
_CONTRADICTING = 2

Maps = Float[NDArray, "height width 2"]


class View(NamedTuple):
    """A camera, that of the survey's pictures; its table; by how many frames it is late."""

    name: str
    camera: Camera
    path: str | Path
    shift: int = 0


class Revised(NamedTuple):
    """A silhouette that changes: at which position of the session, in which view (its number), and to what."""

    position: int
    view: int
    silhouettes: Silhouettes


class _Seen(NamedTuple):
    """What a view saw in one moment: its silhouettes, and what it takes for shadow (0 or 255)."""

    mask: Mask
    shadows: Mask


def revise_silhouettes(config: SurveyConfig, views: Sequence[View], frames: Int[NDArray, "frame"]) -> Iterator[Revised]:
    """Give the silhouettes that change, moment by moment, where the views together know better than one alone.

    What was taken for shadow is the subject's where the other views see the bare floor behind it. What two of the others see nothing of, at
    any height above the floor, is not the subject's; nor is what one of them does not see, if mirrored by the floor all of them see it. The
    floor is found by itself, as the plane on which the views' shadows coincide; without one beyond doubt, nothing changes.
    """
    cameras = [view.camera for view in views]
    # Where a drawing says where the subject may be, nothing is seen outside of it, though it be there.
    speaks = [not read_metadata(view.path).get("region", False) for view in views]
    if sum(speaks) < 2:
        return
    samples = [seen for _, seen in _read_moments(views, frames, np.array(spread_indices(len(frames), _MOMENTS)))]
    floor = find_floor(cameras, [[found and found.shadows for found in of_view] for of_view in zip(*samples, strict=True)])
    if floor is None:
        return
    reviser = _Reviser(config, floor, cameras, _find_height(floor, cameras, samples))
    for position, seen in _read_moments(views, frames, np.arange(len(frames))):
        for view, found in reviser.revise(seen, speaks).items():
            yield Revised(position, view, found)


def _read_moments(
    views: Sequence[View], frames: Int[NDArray, "frame"], positions: Int[NDArray, "..."]
) -> Iterator[tuple[int, list[_Seen | None]]]:
    """What all views saw in these moments of the session; None where one saw nothing."""
    for block in np.array_split(positions, max(1, -(-len(positions) // PICTURE_ROWS))):
        seen = [_read_view(view, frames[block] + view.shift) for view in views]
        yield from zip(block.tolist(), map(list, zip(*seen, strict=True)), strict=True)


def _read_view(view: View, frames: Int[NDArray, "..."]) -> list[_Seen | None]:
    """What a view saw in these frames."""
    table = read_table(view.path, "survey", ["frame", "fault", "mask", "shadows"], frames=frames.tolist()).set_index("frame")
    rows = table.reindex(frames).fillna({"fault": "missing", "mask": b"", "shadows": b""})
    found: list[_Seen | None] = []
    for fault, mask, shadows in zip(rows["fault"], rows["mask"], rows["shadows"], strict=True):
        shown = None if fault in _BLIND or not mask else decode_mask(mask)
        found.append(None if shown is None else _Seen(shown, decode_mask(shadows) if shadows else np.zeros_like(shown)))
    return found


class _Sweep:
    """Where other views see what is in the pixels of one view, were it at certain heights above the floor, or mirrored by it.

    Heights at which it is not in the pictures of two others (of the one, where there is no second) are left out.
    """

    def __init__(
        self, floor: Plane, cameras: Sequence[Camera], view: int, others: Sequence[int], heights: Sequence[float], mirrored: bool = False
    ) -> None:
        self._others = others
        self._maps = [[_map_pixels(floor, cameras[view], cameras[other], height, mirrored) for other in others] for height in heights]
        pictures = [np.ones(cameras[other].size[::-1], np.uint8) for other in others]
        known = [sum(_look_up(*one, 0) for one in zip(pictures, maps, strict=True)) for maps in self._maps]
        self._usable = [np.asarray(one >= min(2, len(others)), dtype=np.uint8) for one in known]
        self.seen_by_others = np.maximum.reduce(self._usable)

    def count(self, part: tuple[slice, slice], marks: Sequence[Mask | None]) -> UInt8[NDArray, "height rows columns"]:
        """For each height, how many of the other views see something marked there (1, not 0), or nothing because it is out of their picture, or they say nothing."""
        counts = np.zeros((len(self._maps), *(one.stop - one.start for one in part)), np.uint8)
        for height, (maps, usable) in enumerate(zip(self._maps, self._usable, strict=True)):
            for other, places in zip(self._others, maps, strict=True):
                mark = marks[other]
                counts[height] += 1 if mark is None else _look_up(mark, places[part], 1)
            counts[height] *= usable[part]
        return counts


class _Reviser:
    """Revises the silhouettes of all views, a moment at a time."""

    def __init__(self, config: SurveyConfig, floor: Plane, cameras: Sequence[Camera], height: float | None) -> None:
        self._config, self._n_views = config, len(cameras)
        everybody = range(len(cameras))
        self._others = [_choose_others(view, len(cameras)) for view in everybody]
        self._floor_maps = [[_map_pixels(floor, cameras[view], cameras[other]) for other in self._others[view]] for view in everybody]
        heights = [] if height is None else np.linspace(0, height, _HEIGHTS).tolist()
        halved = [_halve(camera) for camera in cameras]
        self._direct, self._mirrored = (
            [_Sweep(floor, halved, view, self._others[view], heights, mirrored) for view in everybody] if heights else []
            for mirrored in (False, True)
        )

    def revise(self, seen: Sequence[_Seen | None], speaks: Sequence[bool]) -> dict[int, Silhouettes]:
        """New silhouettes of those views whose own change; views that do not speak are neither asked nor revised."""
        heard = [found if speaking else None for found, speaking in zip(seen, speaks, strict=True)]
        masks = [None if found is None else self._restore(view, found, heard) for view, found in enumerate(heard)]
        if self._direct:
            marks = [None if mask is None else _shrink(mask) for mask in masks]
            masks = [None if mask is None else mask & ~self._find_others(view, mask, marks) for view, mask in enumerate(masks)]
        return {
            view: gather_clusters(mask & 1, self._config)
            for view, (found, mask) in enumerate(zip(heard, masks, strict=True))
            if found is not None and mask is not None and (mask != found.mask).any()
        }

    def _restore(self, view: int, found: _Seen, heard: Sequence[_Seen | None]) -> Mask:
        """The silhouette with those pixels of the shadow behind which more of the other views see the bare floor than anything on it."""
        x, y, width, height = cv2.boundingRect(found.shadows)
        part = np.s_[y : y + height, x : x + width]
        votes = np.zeros((height, width), np.int16)
        for other, places in zip(self._others[view], self._floor_maps[view], strict=True):
            if (shown := heard[other]) is not None and width:
                side = 2 * max(1, round(_TOLERANCE * max(shown.mask.shape))) + 1
                marked = cv2.dilate((shown.mask | shown.shadows) & 1, np.ones((side, side), np.uint8))
                # 0 for the bare floor, 1 for something on it, 2 for what is not in the picture.
                there = _look_up(marked, places[part], 2)
                votes += (there == 0).astype(np.int16) - (there == 1)
        restored = np.zeros_like(found.mask)
        restored[part] = np.where(votes > 0, found.shadows[part], 0)
        restored = cv2.morphologyEx(restored, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        if not cv2.countNonZero(restored):
            return found.mask
        whole = found.mask | restored
        return np.asarray(whole | (255 * close_gaps(whole & 1, self._config.close_px) & found.shadows), dtype=np.uint8)

    def _find_others(self, view: int, mask: Mask, marks: Sequence[Mask | None]) -> Mask:
        """255 for pixels of a silhouette that are not the subject's, as other views have it: reflections, and what one view alone sees."""
        own = marks[view]
        x, y, width, height = cv2.boundingRect(own)
        none = np.zeros_like(mask)
        if width == 0:
            return none
        part, n_others = np.s_[y : y + height, x : x + width], len(self._others[view])
        direct, mirrored = (sweep[view].count(part, marks).max(axis=0) for sweep in (self._direct, self._mirrored))
        contradicted = (direct + _CONTRADICTING <= n_others) | ((direct < n_others) & (mirrored == n_others))
        contradicted &= self._direct[view].seen_by_others[part] > 0
        small = np.zeros_like(own)
        small[part] = 255 * contradicted
        found = cv2.resize(small, mask.shape[::-1], interpolation=cv2.INTER_NEAREST) & mask
        return np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=np.uint8)


def _find_height(floor: Plane, cameras: Sequence[Camera], samples: Sequence[Sequence[_Seen | None]]) -> float | None:
    """How high above the floor anything is on which all views agree, and a margin; None where the floor is between the cameras, or nothing is."""
    reaches = np.array([floor.normal @ camera.centre - floor.offset for camera in cameras])
    if (reaches > 0).any() and (reaches < 0).any():
        return None
    heights = np.linspace(0, float(reaches[np.abs(reaches).argmin()]), _SEARCHED, endpoint=False)
    halved, highest = [_halve(camera) for camera in cameras], [np.zeros(0, np.int64)]
    for view in range(len(cameras)):
        others = _choose_others(view, len(cameras))
        sweep = _Sweep(floor, halved, view, others, heights.tolist())
        for seen in samples:
            marks = [None if found is None else _shrink(found.mask) for found in seen]
            if (own := marks[view]) is None or sum(marks[other] is not None for other in others) < min(2, len(others)):
                continue
            x, y, width, height = cv2.boundingRect(own)
            part = np.s_[y : y + height, x : x + width]
            top = np.full((height, width), -1)
            for step, counts in enumerate(sweep.count(part, marks)):
                top[counts == len(others)] = step
            highest.append(top[(own[part] > 0) & (top >= 0)])
    found = np.concatenate(highest)
    return float(heights[round(np.quantile(found, _BELOW))] * _MARGIN) if len(found) else None


def _choose_others(view: int, n_views: int) -> list[int]:
    """The views that are asked about one: all, or some of many."""
    others = [other for other in range(n_views) if other != view]
    return [others[index] for index in spread_indices(len(others), _ASKED)]


def _halve(camera: Camera) -> Camera:
    return camera.resized((-(-camera.size[0] // 2), -(-camera.size[1] // 2)))


def _shrink(mask: Mask) -> Mask:
    """1 where anything near is marked, in half the size."""
    size = (-(-mask.shape[1] // 2), -(-mask.shape[0] // 2))
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0
    return np.asarray(cv2.dilate(small.astype(np.uint8), np.ones((3, 3), np.uint8)), dtype=np.uint8)


def _look_up(marked: Mask, places: Maps, outside: int) -> Mask:
    return np.asarray(
        cv2.remap(marked, places, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=outside), dtype=np.uint8
    )


def _map_pixels(floor: Plane, camera: Camera, other: Camera, height: float = 0.0, mirrored: bool = False) -> Maps:
    """Where the other camera sees what is in each pixel, at some height above the floor, or mirrored by it; far outside where it does not.

    It is computed on a grid and interpolated.
    """
    width, rows = camera.size
    grid = np.meshgrid(*(np.arange(-1, -(-length // _GRID) + 2) * float(_GRID) for length in (width, rows)))
    directions = pixel_directions(camera, np.stack(grid, axis=-1).reshape(-1, 2))
    points = floor.shifted(-height if mirrored else height).meet(camera.centre, directions)
    points = points + 2 * height * floor.normal if mirrored else points
    places = np.nan_to_num(project_through_lens(other, points), nan=_FAR).clip(_FAR, -_FAR).astype(np.float32)
    x, y = np.meshgrid(*((np.arange(length, dtype=np.float32) + _GRID) / _GRID for length in (width, rows)))
    return np.asarray(cv2.remap(places.reshape(*grid[0].shape, 2), x, y, cv2.INTER_LINEAR), dtype=np.float32)
