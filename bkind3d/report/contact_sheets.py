"""Contact sheets: what a keypoint lies on, in many frames and all views, so that it can be named and impostors show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bkind3d.data.points import SessionKeypoints
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.contents import list_given_names, read_named_keypoints
from bkind3d.report.overlays import DARK, GAP, draw_grid, load_font
from bkind3d.report.palette import mark_of
from bkind3d.report.views import Picture, View, project_keypoints, read_views
from bkind3d.study.study import Study

#: Sessions that are looked at; of each, rows evenly spread over time, and rows in which the keypoint is least certain.
SESSIONS, SPREAD_ROWS, DOUBTFUL_ROWS = 3, 5, 2
#: Side of a crop as shown (pixels), and of its surroundings as a share of the view; room above and left of the crops.
CROP, SHARE, TOP, LEFT = 112, 0.3, 56, 132


@dataclass(frozen=True)
class Row:
    """One moment of a session on a sheet; `index` is its place among the session's keypoints."""

    session: str
    index: int
    doubtful: bool


def write_contact_sheets(study: Study, experiment: str, folder: Path) -> None:
    """Write KEYPOINT.jpg for every keypoint, by its own name, into `folder`.

    Rows are moments, columns the cameras. Rows under the line are those in which the keypoint is least certain of its
    place (its confidence is lowest): where it jumps to another part of the body, it shows there first.
    """
    study.require_pictures("contact sheets")
    found = {session: read_named_keypoints(study, experiment, session) for session in study.list_shown(SESSIONS)}
    own = list(list_given_names(study, experiment, next(iter(found))))
    rows = [choose_rows(found, keypoint) for keypoint in range(len(own))]
    views = {}
    for session, keypoints in found.items():
        frames = {int(keypoints.frames[row.index]) for chosen in rows for row in chosen if row.session == session}
        views[session] = read_views(study, experiment, session, sorted(frames))
    cameras = list(dict.fromkeys(camera for session in found for camera in study.list_cameras(experiment, session)))
    for keypoint, chosen in enumerate(rows):
        sheet = draw_sheet(keypoint, own[keypoint], chosen, found, views, cameras)
        with replaced_when_complete(folder / f"{own[keypoint]}.jpg") as temporary:
            Image.fromarray(sheet).save(temporary, quality=90)


def choose_rows(found: dict[str, SessionKeypoints], keypoint: int) -> list[Row]:
    """Moments of every session: first those evenly spread, then the least certain ones, at most one of them per spread."""
    spread, doubtful = [], []
    for session, keypoints in found.items():
        located = np.flatnonzero(np.isfinite(keypoints.positions[:, keypoint, 0]))
        parts = [part for part in np.array_split(located, SPREAD_ROWS) if len(part)]
        spread += [Row(session, int(part[len(part) // 2]), False) for part in parts]
        lowest = sorted(
            (int(part[np.argmin(keypoints.confidences[part, keypoint])]) for part in parts),
            key=lambda index: keypoints.confidences[index, keypoint],
        )
        doubtful += [Row(session, index, True) for index in lowest[:DOUBTFUL_ROWS]]
    return spread + doubtful


def draw_sheet(
    keypoint: int,
    own: str,
    rows: Sequence[Row],
    found: dict[str, SessionKeypoints],
    views: dict[str, dict[int, dict[str, View]]],
    cameras: Sequence[str],
) -> Picture:
    """One keypoint's crops out of `views`, by session, frame and camera: (height, width, 3) RGB."""
    grids = []
    for doubtful, titles, head in ((False, cameras, TOP), (True, [""] * len(cameras), 2 * GAP)):
        drawn = []
        for row in (row for row in rows if row.doubtful == doubtful):
            keypoints, index = found[row.session], row.index
            seen, point = views[row.session][int(keypoints.frames[index])], keypoints.positions[index, keypoint].astype(np.float64)
            lines = [row.session, f"{keypoints.times[index]:.2f} s", f"confidence {keypoints.confidences[index, keypoint]:.2f}"]
            crops = [cut_crop(seen[camera], point) if camera in seen else "" for camera in cameras]
            drawn.append(([*lines, "least certain"] if doubtful else lines, crops))
        grids.append(draw_grid(drawn, titles, DARK, LEFT, head, (CROP, CROP)))
    image = Image.fromarray(np.concatenate(grids))
    draw, first = ImageDraw.Draw(image), next(iter(found.values()))
    name = first.names[keypoint]
    draw.text((10, 18), own if name == own else f"{own}: {name}", mark_of(keypoint).rgb, load_font(20), anchor="lm")
    draw.text((image.width - 8, 12), f"model {first.metadata.get('model', 'unknown')}", DARK.ink, load_font(11), anchor="rm")
    draw.line([(0, len(grids[0]) + GAP), (image.width, len(grids[0]) + GAP)], DARK.ink)
    return np.array(image)


def cut_crop(view: View, point: Float[NDArray, "..."], size: int = CROP) -> Picture:
    """The surroundings of a world point (3,) in a view: (size, size, 3) RGB, the point in the middle, between four ticks.

    Beyond the picture it is dark.
    """
    x, y = project_keypoints(point[None], view.projection)[0]
    if not (np.isfinite(x) and np.isfinite(y)):
        return np.full((size, size, 3), DARK.ground, np.uint8)
    scale = size / (SHARE * max(view.picture.shape[:2]))
    # (0, 0) is the centre of a pixel: the point goes to the middle of the crop, which lies between its pixels.
    move = np.array([[scale, 0, (size - 1) / 2 - scale * x], [0, scale, (size - 1) / 2 - scale * y]])
    crop = cv2.warpAffine(view.picture, move, (size, size), flags=cv2.INTER_CUBIC, borderValue=DARK.ground)
    middle, inner, outer = size // 2, size // 12, size // 6
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        ends = [(middle + reach * dx, middle + reach * dy) for reach in (inner, outer)]
        for colour, thickness in (((15, 15, 15), 3), ((245, 245, 245), 1)):
            cv2.line(crop, ends[0], ends[1], colour, thickness, cv2.LINE_AA)
    return np.asarray(crop, dtype=np.uint8)
