"""The pictures of every camera with the matrices that keypoints are projected by: read, cropped and enlarged.

Positions are pixels with (0, 0) at the centre of the top-left pixel, before and after a picture is enlarged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.data.datasets import PROJECTION_COLUMNS
from bkind3d.data.parquet import read_table
from bkind3d.data.points import SessionKeypoints
from bkind3d.geometry.projection import project_points
from bkind3d.study.study import Study

Picture = UInt8[NDArray, "..."]

#: Room around the keypoints, and the least share of a view that is shown: most of its margin is only there for training.
ROOM, LEAST_SHARE = 1.3, 0.5
#: Frames whose pictures are in memory at once.
BLOCK = 64


@dataclass(frozen=True)
class View:
    """One picture of one camera: (height, width, 3) RGB, and the (3, 4) matrix from the world to its pixels."""

    picture: Picture
    projection: Float[NDArray, "..."]


@dataclass(frozen=True)
class Moment:
    """One moment of a session: its views by camera, and its (keypoint, 3) positions in the world (NaN: missing)."""

    frame: int
    time_s: float
    views: dict[str, View]
    points: Float[NDArray, "..."]


def cut_view(view: View, left: int, top: int, right: int, bottom: int) -> View:
    """The pixels of a view from `left` and `top` up to, not including, `right` and `bottom`, with its matrix moved along."""
    projection = view.projection.copy()
    projection[:2] -= np.outer([left, top], projection[2])
    return View(view.picture[top:bottom, left:right], projection)


def crop_view(view: View, share: float) -> View:
    """The middle of a view, `share` of its width and height."""
    height, width = view.picture.shape[:2]
    left, top = round(width * (1 - share) / 2), round(height * (1 - share) / 2)
    return cut_view(view, left, top, width - left, height - top)


def crop_to_keypoints(moments: Sequence[Moment]) -> list[Moment]:
    """Crop all views alike, as far as every keypoint stays inside with room around it."""
    share = measure_reach(moments)
    return [replace(moment, views={camera: crop_view(view, share) for camera, view in moment.views.items()}) for moment in moments]


def measure_reach(moments: Sequence[Moment]) -> float:
    """The share of the views' width and height, about their middle, in which every keypoint lies with room around it."""
    reach = 0.0
    for moment in moments:
        for view in moment.views.values():
            half = np.array(view.picture.shape[1::-1]) / 2
            offsets = np.abs(project_keypoints(moment.points, view.projection) + 0.5 - half) / half
            reach = max(reach, float(np.nanmax(offsets, initial=0.0)))
    return min(max(ROOM * reach, LEAST_SHARE), 1.0)


def project_keypoints(points: Float[NDArray, "..."], projection: Float[NDArray, "..."]) -> Float[NDArray, "keypoint 2"]:
    """(keypoint, 2) pixels of (keypoint, 3) world points; NaN where a point is missing or behind the camera."""
    pixels, depths = project_points(torch.from_numpy(points)[None], torch.from_numpy(projection)[None, None])
    pixels[~(depths > 0)] = torch.nan
    return np.asarray(pixels[0, 0].numpy())


def fit_view(view: View, tile: int) -> View:
    """The view as a square of `tile` pixels, its longer side filling it, on black; its matrix moves along."""
    height, width = view.picture.shape[:2]
    scale = tile / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    canvas = np.zeros((tile, tile, 3), dtype=np.uint8)
    left, top = (tile - size[0]) // 2, (tile - size[1]) // 2
    scaled = cv2.resize(view.picture, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = scaled
    # Pixel edges scale, not centres: half a pixel is added before and taken off after.
    projection = view.projection.copy()
    for row, (factor, shift) in enumerate(((size[0] / width, left), (size[1] / height, top))):
        projection[row] = factor * projection[row] + (0.5 * factor - 0.5 + shift) * projection[2]
    return View(canvas, projection)


def choose_frames(frames: Int[NDArray, "..."], limit: int) -> list[int]:
    """At most `limit` of the frames, the middles of equal parts of the recording."""
    n_frames = len(frames)
    places = (np.arange(min(limit, n_frames)) + 0.5) * n_frames / max(min(limit, n_frames), 1)
    return [int(frames[int(place)]) for place in places]


def read_views(study: Study, experiment: str, session: str, frames: Sequence[int]) -> dict[int, dict[str, View]]:
    """The pictures of some frames of a session, by frame and camera; views that do not see the subject are left out."""
    views: dict[int, dict[str, View]] = {frame: {} for frame in frames}
    columns = ["frame", "image", "valid", *PROJECTION_COLUMNS]
    for camera, path in study.find_frames(experiment, session).items():
        table = read_table(path, "frames", columns=columns, frames=frames)
        table = table[table["valid"]]
        projections = table[PROJECTION_COLUMNS].to_numpy(dtype=np.float64).reshape(-1, 3, 4)
        for frame, image, projection in zip(table["frame"], table["image"], projections.copy(), strict=True):
            picture = cv2.imdecode(np.frombuffer(image, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
            views[int(frame)][camera] = View(np.asarray(picture, dtype=np.uint8), projection)
    return views


def iterate_moments(
    study: Study, experiment: str, session: str, keypoints: SessionKeypoints, chosen: Sequence[int] | Int[NDArray, "..."]
) -> Iterator[Moment]:
    """The chosen moments (indices), read block by block."""
    for start in range(0, len(chosen), BLOCK):
        block = chosen[start : start + BLOCK]
        views = read_views(study, experiment, session, [int(frame) for frame in keypoints.frames[block]])
        for index in block:
            frame = int(keypoints.frames[index])
            yield Moment(frame, float(keypoints.times[index]), views[frame], keypoints.positions[index].astype(np.float64))
