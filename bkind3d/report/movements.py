"""Clusters of movement: how often each is seen, and a clip of each, drawn from the keypoints alone (no picture of the subject is in it)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.points import read_keypoints
from bkind3d.data.skeleton import Edge
from bkind3d.data.spacing import spread_indices
from bkind3d.report.contents import find_skeleton
from bkind3d.report.elements import Cell, Gallery, Note, Picture, Table
from bkind3d.report.formatting import format_share
from bkind3d.report.overlays import DARK, draw_view, encode_webp
from bkind3d.report.rendering import write_caption
from bkind3d.report.views import View
from bkind3d.study.study import Study

#: Windows side by side in a clip, each of another session where there are as many; side of one (pixels), and between them.
WINDOWS, TILE, GAP = 3, 144, 4
#: Moments of a clip: so many per second, but no more than this.
RATE, MOST_MOMENTS = 12, 24
#: Share of the largest distances from the window's centre that may leave the picture: a keypoint that jumps away makes the rest small.
BEYOND = 0.02
#: Seen from the side and somewhat from the front and above, by these angles (radians).
AZIMUTH, ELEVATION = 0.5, 0.45
FLOOR = (44, 48, 54)


class Window(NamedTuple):
    """(moment, keypoint, 3) positions in world units, relative to the middle of the window's middle pose and turned as all others; its length."""

    points: Float[NDArray, "..."]
    seconds: float


def build_movements(study: Study, experiment: str, sessions: Sequence[str]) -> list[Any]:
    """Shares of the clusters in `sessions` and in all of them, and a clip of each cluster."""
    path = study.results.movements(experiment)
    table, summary = read_table(path, "movements"), read_metadata(path)
    if table.empty:
        return [Note(f"{experiment}: {summary['reason']} (settings: movements).")]
    return [build_share_table(table, summary, sessions), Gallery(build_clips(study, experiment, table))]


def build_share_table(table: pd.DataFrame, summary: dict[str, Any], sessions: Sequence[str]) -> Table:
    """Shares of time of every cluster, in all windows and in those of each session."""
    clusters = range(1, summary["n_clusters"] + 1)
    counts = table["cluster"].value_counts(normalize=True).reindex(clusters, fill_value=0.0)
    lines = {f"all {table['session'].nunique()}": list(counts)}
    lines |= {name: summary["shares"][name] for name in sessions if name in summary["shares"]}
    rows = [[Cell(name), *(Cell(format_share(share), share=share) for share in shares)] for name, shares in lines.items()]
    caption = write_caption("clusters", n_windows=len(table), summary=summary, explained=format_share(summary["explained"]))
    columns = ["sessions", *(f"cluster {cluster}" for cluster in clusters)]
    return Table(columns, rows, frozenset(columns[1:]), caption)


def build_clips(study: Study, experiment: str, table: pd.DataFrame) -> list[Picture]:
    """One clip for each cluster."""
    skeleton = find_skeleton(study, experiment)
    shown = {cluster: choose_windows(rows) for cluster, rows in table.groupby("cluster")}
    windows = _read_windows(study, experiment, pd.concat(shown.values()))
    reach = measure_reach([window.points for window in windows.values()])
    clips = []
    for cluster, rows in shown.items():
        members = table[table["cluster"] == cluster]
        named = members.loc[members["behaviour"] != "", "behaviour"].value_counts(normalize=True)
        annotated = f", annotated {named.index[0]} in {format_share(float(named.iloc[0]))}" if len(named) else ""
        caption = f"Cluster {cluster}: {format_share(len(members) / len(table))} of the time{annotated}."
        links = [(f"{row.session} at {row.time_s:.1f} s", f"sessions/{row.session}.html#t={row.time_s:.3f}") for row in rows.itertuples()]
        clip = draw_clip([windows[row] for row in zip(rows["session"], rows["frame"], strict=True)], skeleton, reach)
        clips.append(Picture(encode_clip(*clip), f"Movement of cluster {cluster} of {experiment}", caption, links))
    return clips


def choose_windows(rows: pd.DataFrame) -> pd.DataFrame:
    """The windows nearest to their cluster's centre: first the best of every session, then the next best ones."""
    ordered = rows.sort_values(["distance", "session", "frame"])
    return ordered.assign(rank=ordered.groupby("session").cumcount()).sort_values(["rank", "distance"])[:WINDOWS]


def _read_windows(study: Study, experiment: str, rows: pd.DataFrame) -> dict[tuple[str, int], Window]:
    """The chosen windows, by session and middle frame."""
    found = {}
    for session, windows in rows.groupby("session"):
        keypoints = read_keypoints(study.results.keypoints(experiment, session))
        for row in windows.itertuples():
            start, middle, stop = np.searchsorted(keypoints.frames, [row.start, row.frame, row.stop])
            seconds = float(keypoints.times[stop] - keypoints.times[start])
            moments = start + spread_indices(stop - start + 1, min(max(round(RATE * seconds), 2), MOST_MOMENTS))
            sine, cosine = np.sin(row.turn), np.cos(row.turn)
            centred = keypoints.positions[moments] - keypoints.positions[middle].mean(axis=0)
            found[str(session), int(row.frame)] = Window(centred @ [[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], seconds)
    return found


def measure_reach(windows: Sequence[Float[NDArray, "..."]]) -> float:
    """Distance from a window's middle within which most of the points of all windows are; world units."""
    distances = np.concatenate([np.linalg.norm(window, axis=2).ravel() for window in windows])
    return max(float(np.quantile(distances, 1 - BEYOND)), 1e-9)


def draw_clip(windows: Sequence[Window], skeleton: Sequence[Edge], reach: float) -> tuple[list[UInt8[NDArray, "..."]], float]:
    """Moments of a clip, (height, width, 3) RGB, and the seconds from one to the next; a window that is shorter than others stands still."""
    drawn = [[_draw_pose(pose, float(window.points[..., 2].min()), skeleton, reach) for pose in window.points] for window in windows]
    longest = max(len(poses) for poses in drawn)
    space = np.full((TILE, GAP, 3), DARK.ink, np.uint8)
    moments = []
    for index in range(longest):
        row = [part for poses in drawn for part in (poses[min(index, len(poses) - 1)], space)]
        moments.append(np.concatenate(row[:-1], axis=1))
    return moments, max(window.seconds for window in windows) / max(longest - 1, 1)


def _draw_pose(pose: Float[NDArray, "..."], ground: float, skeleton: Sequence[Edge], reach: float) -> UInt8[NDArray, "..."]:
    """One pose over a square of the floor, which is at height `ground`."""
    scale, middle = 0.5 * TILE / reach, (TILE - 1) / 2
    right = scale * np.array([np.cos(AZIMUTH), np.sin(AZIMUTH), 0])
    down = scale * np.array([np.sin(AZIMUTH) * np.sin(ELEVATION), -np.cos(AZIMUTH) * np.sin(ELEVATION), -np.cos(ELEVATION)])
    # Parallel rays: the last row makes every depth 1.
    projection = np.array([[*right, middle], [*down, middle], [0, 0, 0, 1]])
    floor = np.array([[x * reach, y * reach, ground, 1] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    canvas = np.full((TILE, TILE, 3), DARK.ground, np.uint8)
    cv2.fillConvexPoly(canvas, (floor @ projection[:2].T).round().astype(np.int32), FLOOR, cv2.LINE_AA)
    return draw_view(View(canvas, projection), pose, skeleton, TILE)


def encode_clip(moments: Sequence[UInt8[NDArray, "..."]], seconds: float) -> str:
    """An animated WebP that repeats, as a data URI."""
    options = {"save_all": True, "duration": max(round(1000 * seconds), 20), "loop": 0, "quality": 60, "method": 4}
    return f"data:image/webp;base64,{encode_webp(moments, **options)}"
