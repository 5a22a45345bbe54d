"""A session over time as the page's player wants it: numbers packed into text, thinned where they would make the file large."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped
from numpy.typing import NDArray

from bkind3d.data.parquet import read_table
from bkind3d.data.points import SessionKeypoints
from bkind3d.data.progress import track
from bkind3d.data.skeleton import Edge
from bkind3d.data.spacing import step_indices
from bkind3d.report.elements import Player, script_json
from bkind3d.report.overlays import encode_webp
from bkind3d.report.palette import LINES, mark_of
from bkind3d.report.rendering import write_caption
from bkind3d.report.views import Moment, Picture, crop_view, fit_view, iterate_moments, measure_reach, project_keypoints
from bkind3d.study.study import Study

#: What is not there, in whole numbers of 16 bits; and the largest number that positions become.
MISSING, LARGEST = -32768, 32000
#: Parts that the side of a view is divided into, to say where a keypoint lies in it: up to eight sides away.
PARTS = 4096
#: Sides of a view, pixels: the larger one where all moments have room, and pictures no smaller than the smaller one.
SIDES = (192, 128)
#: Moments by which the crop is chosen and the size of a picture is known beforehand; and how pictures are encoded.
SAMPLE, QUALITY = 16, {"quality": 45, "method": 2}


@dataclass(frozen=True)
class Band:
    """Labels over time; `spans` are (from, to, index of the label), seconds of the session."""

    labels: Sequence[str]
    spans: Sequence[tuple[float, float, int]]

    def describe(self) -> dict[str, Any]:
        """The band as the page's script wants it."""
        colours = [LINES[index % len(LINES)] for index in range(len(self.labels))]
        return {"labels": list(self.labels), "colours": colours, "spans": [[round(a, 3), round(b, 3), label] for a, b, label in self.spans]}


def read_behaviours(path: Path, keypoints: SessionKeypoints) -> Band:
    """The annotated behaviours of a session: spans of consecutive frames with one behaviour."""
    table = read_table(path, "behaviours").drop_duplicates("frame").set_index("frame")["behaviour"]
    given = table.reindex(keypoints.frames).fillna("")
    codes, labels = given.factorize(sort=True)
    numbers = np.asarray(codes)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1) != 0)
    times = np.append(keypoints.times, keypoints.times[-1:])
    spans = [(float(times[a]), float(times[b]), int(numbers[a])) for a, b in zip(starts, [*starts[1:], len(numbers)], strict=True)]
    return Band([str(label) for label in labels], [span for span in spans if labels[span[2]]])


def read_clusters(path: Path, session: str, keypoints: SessionKeypoints) -> Band:
    """The clusters of movement of a session's windows."""
    table = read_table(path, "movements")
    rows = table[table["session"] == session].sort_values("start")
    clusters = sorted(table["cluster"].unique().tolist())
    starts, stops = (np.interp(rows[column], keypoints.frames, keypoints.times).tolist() for column in ("start", "stop"))
    labels = [clusters.index(cluster) for cluster in rows["cluster"]]
    return Band([f"cluster {cluster}" for cluster in clusters], list(zip(starts, stops, labels, strict=True)))


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


def build_player(  # noqa: PLR0913, PLR0917
    identifier: str,
    keypoints: SessionKeypoints,
    chosen: Int[NDArray, "..."],
    skeleton: Sequence[Edge],
    location: pd.DataFrame,
    joints: Float[NDArray, "moment joint 3"] | None = None,
    sprites: Sprites | None = None,
    band: Band | None = None,
    found: SessionKeypoints | None = None,
) -> Player:
    """What the page's script plays.

    Parameters
    ----------
    chosen : moments that are shown, as indices into the frames of the session's `keypoints`.
    location : table of the session; world units.
    joints : (moment, joint, 3) true positions at the chosen moments, world units.
    sprites : pictures at some of the chosen moments.
    band : labels over time.
    found : joints that were found from the keypoints, in the same frames.
    """
    frames, positions = keypoints.frames[chosen], keypoints.positions[chosen].astype(np.float64)
    centres = _find_centres(positions, location, frames)
    truth = np.empty((len(frames), 0, 3)) if joints is None else joints
    given = np.empty((len(frames), 0, 3)) if found is None else found.positions[chosen].astype(np.float64)
    relative, true, given = (part - centres[:, None] for part in (positions, truth, given))
    step = max((float(np.nanmax(np.abs(part), initial=0.0)) for part in (relative, true, given)), default=0.0) / LARGEST or 1.0
    marks = [mark_of(index) for index in range(len(keypoints.names))]
    data: dict[str, Any] = {
        "names": keypoints.names,
        "marks": [{"colour": mark.colour, "halo": f"rgb{mark.halo}", "shape": mark.shape} for mark in marks],
        "edges": [[first, second] for first, second, _ in skeleton],
        "units": keypoints.metadata.get("units", ""),
        "times": pack(keypoints.times[chosen], "<f8"),
        "frames": pack(frames, "<i4"),
        "centres": pack(centres, "<f4"),
        "points": pack_gaps(relative / step),
        "joints": pack_gaps(true / step),
        "found": pack_gaps(given / step),
        "foundNames": [] if found is None else found.names,
        "step": step,
        "reach": _find_reach(relative),
        "bounds": _find_bounds(positions),
        # The height at which the grid is drawn: the lowest that keypoints usually come.
        "floor": float(np.nanpercentile(positions[..., 2], 1)) if np.isfinite(positions[..., 2]).any() else 0.0,
        "views": _pack_sprites(sprites, chosen) if sprites else None,
        "band": band.describe() if band else None,
    }
    legend = list(zip(keypoints.names, marks, strict=True))
    pictures = "".join(sprites.texts) if sprites else ""
    pictured = sprites.moments if sprites else chosen
    gap = float(np.median(np.diff(keypoints.times[pictured]))) if len(pictured) > 1 else 0.0
    caption = write_caption("thinning", n_frames=len(keypoints.frames), n_shown=len(chosen), n_pictures=len(pictured), gap=gap)
    return Player(identifier, script_json(data), len(chosen), legend, pictures, bool(band and band.spans), caption)


def pack(values: Shaped[NDArray, "..."], kind: str) -> str:
    """The bytes of an array, in C order, as base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def pack_gaps(values: Float[NDArray, "..."]) -> str:
    """Round to whole numbers of 16 bits; :data:`MISSING` where a value is not finite or too large."""
    with np.errstate(invalid="ignore"):
        inside = np.abs(values) <= -MISSING - 1
    return pack(np.where(inside, np.round(np.where(inside, values, 0)), MISSING), "<i2")


def _pack_sprites(sprites: Sprites, chosen: Int[NDArray, "..."]) -> dict[str, Any]:
    return {
        "cameras": list(sprites.cameras),
        "side": sprites.side,
        "scale": PARTS,
        "moments": pack(np.searchsorted(chosen, sprites.moments), "<i4"),
        "ends": pack(np.cumsum([len(text) for text in sprites.texts]), "<i4"),
        "pixels": pack_gaps(sprites.places * PARTS),
    }


def _find_centres(points: Float[NDArray, "..."], location: pd.DataFrame, frames: Int[NDArray, "..."]) -> Float[NDArray, "frame 3"]:
    """(frame, 3) centre of the subject's cube; where it was not located, the keypoints' own centre or the last one known."""
    placed = location.drop_duplicates("frame").set_index("frame").reindex(frames)
    centres = placed[["x", "y", "z"]].to_numpy(dtype=np.float64)
    own = np.ma.masked_invalid(points).mean(axis=1).filled(np.nan)
    filled = pd.DataFrame(np.where(np.isfinite(centres), centres, own)).ffill().bfill().fillna(0.0)
    return filled.to_numpy(dtype=np.float64)


def _find_reach(relative: Float[NDArray, "..."]) -> float:
    """How far keypoints are from the subject's centre; single ones that went astray do not make the others small."""
    far = np.linalg.norm(relative, axis=-1)
    known = far[np.isfinite(far)]
    return max(1.15 * float(np.percentile(known, 99.5)), 1e-9) if len(known) else 1.0


def _find_bounds(points: Float[NDArray, "..."]) -> list[list[float]]:
    """Three [low, high] pairs that hold every point, with room of 5 % of the largest extent."""
    if not np.isfinite(points).any():
        return [[-1.0, 1.0]] * 3
    low, high = np.nanmin(points, axis=(0, 1)), np.nanmax(points, axis=(0, 1))
    room: float = 0.05 * max((high - low).max(), 1e-9)
    bounds: list[list[float]] = np.stack([low - room, high + room], axis=1).tolist()
    return bounds


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


def _draw(moment: Moment, cameras: Sequence[str], share: float, side: int) -> tuple[Picture, Float[NDArray, "..."]]:
    """All views beside each other (RGB), and (camera, keypoint, 2) pixels of the keypoints in their view."""
    picture = np.zeros((side, len(cameras) * side, 3), np.uint8)
    pixels = np.full((len(cameras), len(moment.points), 2), np.nan)
    for index, camera in enumerate(cameras):
        if camera in moment.views:
            view = fit_view(crop_view(moment.views[camera], share), side)
            picture[:, index * side : (index + 1) * side] = view.picture
            pixels[index] = project_keypoints(moment.points, view.projection)
    return picture, pixels
