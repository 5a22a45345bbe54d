"""Overlay videos: every view of a session in one picture, keypoints and skeleton drawn in, at the speed of the recording."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

from bkind3d.config import InputError
from bkind3d.data.points import SessionKeypoints
from bkind3d.data.progress import track
from bkind3d.data.skeleton import Edge
from bkind3d.data.spacing import step_indices
from bkind3d.data.video_writer import VideoWriter
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.overlays import DARK, HEAD, LEGEND_ROW, TILE, draw_legend, draw_tiles, draw_view, read_drawn
from bkind3d.report.palette import mark_of
from bkind3d.report.views import Moment, Picture, crop_view, iterate_moments, measure_reach
from bkind3d.study.study import Study

log = logging.getLogger(__name__)

#: Moments by which the crop is chosen.
SAMPLE = 60
#: Encoding that keeps up with the drawing; marks stay sharp.
FAST = {"crf": "20", "preset": "superfast", "threads": "1"}
#: The animated picture: seconds, pictures per second, and size relative to the video.
ANIMATION_SECONDS, ANIMATION_RATE, ANIMATION_SCALE = 3.0, 12.5, 0.75


@dataclass(frozen=True)
class Mosaic:
    """What all pictures of a video have in common.

    Attributes
    ----------
    ground : (height, width, 3) with the cameras' names and the keypoints' legend; places of tiles are dark.
    places : left and top of every camera's tile.
    skeleton : lines between keypoints.
    share : of the views that is shown.
    """

    ground: Picture
    places: dict[str, tuple[int, int]]
    skeleton: Sequence[Edge]
    share: float

    def draw(self, moment: Moment) -> Picture:
        """Draw one moment."""
        canvas = self.ground.copy()
        for camera, view in moment.views.items():
            left, top = self.places[camera]
            canvas[top : top + TILE, left : left + TILE] = draw_view(crop_view(view, self.share), moment.points, self.skeleton)
        label = f"{moment.time_s:.2f} s   frame {moment.frame}"
        cv2.putText(canvas, label, (8, canvas.shape[0] - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.45, DARK.ink, 1, cv2.LINE_AA)
        return canvas


def lay_out(cameras: Sequence[str], names: Sequence[str], skeleton: Sequence[Edge], share: float) -> Mosaic:
    """Place the tiles in a grid about as wide as a screen, names above them, the legend below."""
    n_columns = int(np.ceil(np.sqrt(len(cameras))))
    tiles = draw_tiles(dict.fromkeys(cameras, "not located"), n_columns)
    legend = draw_legend(names, tiles.shape[1], DARK)
    # The codec wants an even number of rows.
    foot = np.full((LEGEND_ROW + (len(tiles) + len(legend)) % 2, tiles.shape[1], 3), DARK.ground, np.uint8)
    places = {name: (index % n_columns * TILE, index // n_columns * (TILE + HEAD) + HEAD) for index, name in enumerate(cameras)}
    return Mosaic(np.concatenate([tiles, legend, foot]), places, skeleton, share)


def write_overlay_video(
    study: Study, experiment: str, session: str, path: Path, threads: int = 2, kind: Literal["keypoints", "joints"] = "keypoints"
) -> None:
    """Write the overlay video of a session (H.264, MP4), from its first frame on, as long as ``report.overlay_seconds`` allows."""
    study.require_pictures("the overlay video")
    keypoints, mosaic = _prepare(study, experiment, session, kind)
    limit = study.config.report.overlay_seconds
    kept = keypoints.times < keypoints.times[0] + limit
    if not kept.all():
        log.warning(
            "session %s: its overlay video shows the first %g s of %.0f s (report.overlay_seconds)", session, limit, np.ptp(keypoints.times)
        )
    chosen = np.flatnonzero(kept)
    size = (mosaic.ground.shape[1], mosaic.ground.shape[0])
    pictures = draw_pictures(mosaic, iterate_moments(study, experiment, session, keypoints, chosen), threads)
    with replaced_when_complete(path) as temporary, VideoWriter(temporary, size, find_rate(keypoints.times), FAST) as writer:
        for picture in track(pictures, f"overlay {session}", len(chosen), "frame"):
            writer.write(picture)


def write_animation(study: Study, experiment: str, session: str, path: Path) -> None:
    """Write a short animated picture (GIF) of the liveliest seconds of a session, for slides."""
    keypoints, mosaic = _prepare(study, experiment, session)
    rate = find_rate(keypoints.times)
    step = max(round(rate / ANIMATION_RATE), 1)
    length = min(max(round(ANIMATION_SECONDS * rate), 1), len(keypoints.frames))
    start = find_liveliest(keypoints.positions, length)
    chosen = np.arange(start, start + length, step)
    size = (round(mosaic.ground.shape[1] * ANIMATION_SCALE), round(mosaic.ground.shape[0] * ANIMATION_SCALE))
    drawn = draw_pictures(mosaic, iterate_moments(study, experiment, session, keypoints, chosen))
    pictures = reduce_colours([Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS) for picture in drawn], len(keypoints.names))
    with replaced_when_complete(path) as temporary:
        pictures[0].save(temporary, save_all=True, append_images=pictures[1:], duration=round(1000 * step / rate), loop=0)


def reduce_colours(pictures: Sequence[Image.Image], n_keypoints: int) -> list[Image.Image]:
    """Pictures of 256 colours, the same for all: those of the keypoints' marks exactly, and what suits the rest best."""
    marks = [mark_of(index) for index in range(n_keypoints)]
    own = np.array(list(dict.fromkeys([DARK.ground, DARK.ink, *(colour for mark in marks for colour in (mark.rgb, mark.halo))])), np.uint8)
    sample = np.concatenate([np.asarray(pictures[index]) for index in step_indices(len(pictures), 8)])
    rest = Image.fromarray(sample).quantize(256 - len(own)).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*own.ravel().tolist(), *rest])
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def find_rate(times: Float[NDArray, "..."]) -> float:
    """Pictures per second of the recording."""
    return 1 / float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def find_liveliest(positions: Float[NDArray, "..."], length: int) -> int:
    """First of `length` frames in which keypoints move most; frames without keypoints count as still."""
    speeds = np.nan_to_num(np.linalg.norm(np.diff(positions, axis=0), axis=-1)).mean(axis=1)
    way = np.concatenate([[0.0], np.cumsum(speeds)])
    return int(np.argmax(way[length - 1 :] - way[: len(way) - length + 1]))


def draw_pictures(mosaic: Mosaic, moments: Iterable[Moment], threads: int = 2) -> Iterator[Picture]:
    """Draw moments in their order; the next ones are read and drawn while whoever asks is busy with the one before."""
    source = iter(moments)

    def draw(reading: Future[Moment | None]) -> Picture | None:
        moment = reading.result()
        return None if moment is None else mosaic.draw(moment)

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(threads) as pool:
        pending = deque(pool.submit(draw, reader.submit(next, source, None)) for _ in range(4 * threads))
        while (picture := pending.popleft().result()) is not None:
            pending.append(pool.submit(draw, reader.submit(next, source, None)))
            yield picture


def _prepare(
    study: Study, experiment: str, session: str, kind: Literal["keypoints", "joints"] = "keypoints"
) -> tuple[SessionKeypoints, Mosaic]:
    keypoints, skeleton = read_drawn(study, experiment, session, kind)
    if keypoints is None:
        raise InputError("", f"no joints of session {session!r} are found yet", "label frames and run the workflow: bkind3d label")
    if not len(keypoints.frames):
        raise InputError(study.results.keypoints(experiment, session), "has no frame", "predict the keypoints again")
    located = np.flatnonzero(keypoints.located)
    sample = located[step_indices(len(located), SAMPLE)]
    share = measure_reach(list(iterate_moments(study, experiment, session, keypoints, sample)))
    return keypoints, lay_out(study.list_cameras(experiment, session), keypoints.names, skeleton, share)
