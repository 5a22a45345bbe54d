"""Small pictures of all views for a page that plays a session: as many moments as there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.data.keypoints import SessionKeypoints
from bkind3d.data.progress import track
from bkind3d.data.spacing import step_indices
from bkind3d.report.overlays import Moment, crop_view, encode_webp, fit_view, iterate_moments, measure_reach, project_keypoints
from bkind3d.study.study import Study

#: Sides of a view, pixels: the larger one where all moments have room, and pictures no smaller than the smaller one.
SIDES = (192, 128)
#: Moments by which the crop is chosen and the size of a picture is known beforehand; and how pictures are encoded.
SAMPLE, QUALITY = 16, {"quality": 45, "method": 2}


@dataclass(frozen=True)
class Sprites:
    """Pictures of all views at some moments of a session.

    Attributes
    ----------
    cameras : views, side by side in every picture.
    side : of a view, pixels.
    moments : (picture,) indices into the session's frames.
    texts : of each picture, WebP as base64.
    places : (picture, camera, keypoint, 2) of the keypoints in their view as shares of its side, from its left and upper edge; NaN: not there.
    """

    cameras: Sequence[str]
    side: int
    moments: Int[NDArray, "..."]
    texts: Sequence[str]
    places: Float[NDArray, "..."]


def draw_sprites(
    study: Study, experiment: str, session: str, keypoints: SessionKeypoints, chosen: Int[NDArray, "..."], room: int
) -> Sprites:
    """Draw the views at the chosen moments (indices); at fewer, evenly spread, where their texts would be longer than `room` characters."""
    cameras = study.list_cameras(experiment, session)
    located = chosen[np.isfinite(keypoints.positions[chosen, :, 0]).any(axis=1)]
    sample = list(iterate_moments(study, experiment, session, keypoints, located[step_indices(len(located), SAMPLE)]))
    share, side, n_pictures = measure_reach(sample), SIDES[-1], len(chosen)
    for side in SIDES:
        sizes = [len(encode_webp([_draw(moment, cameras, share, side)[0]], **QUALITY)) for moment in sample]
        # The largest of the sample: the pictures between them may be a little larger than those that were looked at.
        n_pictures = int(room // max(sizes, default=1))
        if n_pictures >= len(chosen):
            break
    kept = chosen[step_indices(len(chosen), max(n_pictures, 1))]
    texts, places = [], []
    moments = iterate_moments(study, experiment, session, keypoints, kept)
    for moment in track(moments, f"{session}: small pictures", len(kept), "moment"):
        picture, pixels = _draw(moment, cameras, share, side)
        texts.append(encode_webp([picture], **QUALITY))
        places.append((pixels + 0.5) / side)
    return Sprites(cameras, side, kept, texts, np.asarray(places, dtype=np.float32).reshape(len(kept), len(cameras), -1, 2))


def _draw(moment: Moment, cameras: Sequence[str], share: float, side: int) -> tuple[UInt8[NDArray, "..."], Float[NDArray, "..."]]:
    """All views beside each other (RGB), and (camera, keypoint, 2) pixels of the keypoints in their view."""
    picture = np.zeros((side, len(cameras) * side, 3), np.uint8)
    pixels = np.full((len(cameras), len(moment.points), 2), np.nan)
    for index, camera in enumerate(cameras):
        if camera in moment.views:
            view = fit_view(crop_view(moment.views[camera], share), side)
            picture[:, index * side : (index + 1) * side] = view.picture
            pixels[index] = project_keypoints(moment.points, view.projection)
    return picture, pixels
