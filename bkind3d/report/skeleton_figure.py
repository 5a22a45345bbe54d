"""The discovered skeleton at one moment, in every view and in 3D, as a figure of lines and letters for a paper."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bkind3d.data.points import SessionKeypoints
from bkind3d.data.skeleton import Edge
from bkind3d.report.contents import find_skeleton, read_named_keypoints
from bkind3d.report.palette import Mark, mark_of
from bkind3d.report.views import Moment, View, crop_to_keypoints, project_keypoints, read_views
from bkind3d.study.study import Study

#: Matplotlib's names of the marks.
MARKERS = {"circle": "o", "square": "s", "diamond": "D", "cross": "X"}


def plot_skeleton(study: Study, experiment: str, session: str) -> Figure | None:
    """The moment of a session in which keypoints are most certain; None where nothing was located."""
    keypoints = read_named_keypoints(study, experiment, session)
    index = choose_moment(keypoints)
    if index is None:
        return None
    frame = int(keypoints.frames[index])
    views = read_views(study, experiment, session, [frame])[frame]
    points = keypoints.positions[index].astype(np.float64)
    moment = crop_to_keypoints([Moment(frame, float(keypoints.times[index]), views, points)])[0]
    return draw_figure(moment, keypoints.names, find_skeleton(study, experiment), str(keypoints.metadata.get("units", "")))


def choose_moment(keypoints: SessionKeypoints) -> int | None:
    """Index of the frame in which the least certain keypoint is most certain; None where no frame has all keypoints."""
    complete = np.isfinite(keypoints.positions[..., 0]).all(axis=1)
    certain = np.where(complete, keypoints.confidences.min(axis=1), -1.0)
    return int(np.argmax(certain)) if complete.any() else None


def draw_figure(moment: Moment, names: Sequence[str], skeleton: Sequence[Edge], units: str) -> Figure:
    """Views in a grid, the skeleton in 3D beside them, names below."""
    n_views = len(moment.views)
    n_rows = 2 if n_views > 3 else 1
    n_across = -(-n_views // n_rows)
    figure = Figure(figsize=(7.2, 1.15 + 7.2 * 0.6 / n_across * n_rows))
    panels: Any = figure.subfigures(1, 2, width_ratios=[0.62, 0.38])
    left, right = panels
    grid = left.subplots(n_rows, n_across, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (camera, view) in zip(grid, moment.views.items(), strict=False):
        _draw_view(axes, view, moment.points, skeleton)
        axes.set_title(camera, fontsize=8, pad=2)
    _draw_scene(right.add_subplot(projection="3d"), moment.points, skeleton, units)
    handles = [Line2D([], [], linestyle="", label=name, **_style(mark_of(index))) for index, name in enumerate(names)]
    n_columns = min(len(names), 8)
    rowwise = [handle for column in range(n_columns) for handle in handles[column::n_columns]]  # Matplotlib fills column by column.
    figure.legend(handles=rowwise, loc="outside lower center", ncols=n_columns, frameon=False, fontsize=7, handletextpad=0.1)
    return figure


def _style(mark: Mark) -> dict[str, Any]:
    return {"marker": MARKERS[mark.shape], "color": mark.colour, "markeredgecolor": "white", "markeredgewidth": 0.4, "markersize": 4.5}


def _draw_view(axes: Axes, view: View, points: Float[NDArray, "..."], skeleton: Sequence[Edge]) -> None:
    pixels = project_keypoints(points, view.projection)
    axes.imshow(view.picture, interpolation="bilinear")
    for first, second, _ in skeleton:
        axes.plot(*pixels[[first, second]].T, color="white", linewidth=1.2, alpha=0.85)
    for index, pixel in enumerate(pixels):
        axes.plot(*pixel, **_style(mark_of(index)))
    height, width = view.picture.shape[:2]
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _draw_scene(axes: Any, points: Float[NDArray, "..."], skeleton: Sequence[Edge], units: str) -> None:
    """The skeleton in the world, all axes in one scale."""
    for first, second, _ in skeleton:
        axes.plot(*points[[first, second]].T, color="0.45", linewidth=1.2)
    for index, point in enumerate(points):
        axes.plot(*point[:, None], **_style(mark_of(index)))
    middle, reach = (points.max(axis=0) + points.min(axis=0)) / 2, float(np.ptp(points, axis=0).max()) / 2
    for axis, centre in zip("xyz", middle, strict=True):
        axes.set(**{f"{axis}lim": (centre - reach, centre + reach), f"{axis}label": f"{axis} ({units})"})
    axes.set_box_aspect((1, 1, 1), zoom=0.8)
    axes.tick_params(labelsize=6)
