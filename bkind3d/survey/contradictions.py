"""Cameras that contradict the others, and why: mirrored, exchanged, filmed twice, out of sync, moved; or poses in another program's convention.

Two cameras see a body between the same two planes through the line between them (:mod:`bkind3d.survey.synchronisation`), so the two angles
of one lie upon those of the other. Where they do not, causes are tried one after the other, and the first that mends it is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions
from bkind3d.geometry.triangulation import triangulate_pixels
from bkind3d.survey.consensus import Chosen, Clusters
from bkind3d.survey.hulls import ReadMasks
from bkind3d.survey.synchronisation import Signals, measure_angles

#: Overlaps of two cameras, median over time: what cameras that agree have at least, and by how much a cause has to mend one that is less.
_AGREED, _MENDED = 0.8, 0.15
#: Where no two of several cameras agree, and the usual two have no more in common than this, the calibration is not theirs.
_NOTHING = 0.5
#: Moments whose outlines are compared under every cause, and frames by which lags and new poses are found.
_MOMENTS, _FRAMES = 40, 300
#: Fewest frames by which two cameras are compared, and by which a change is found.
_LEAST = 20
#: Pixels of the survey within which two cameras that show one video see the same, and the share of its area.
_SAME_PIXELS, _SAME_AREA = 0.5, 0.02
#: Frames by which the lags of two halves of the time may differ, and most frames that a camera is late.
_SAME_LAG, _LONGEST_LAG = 2, 1000
#: Share of the frames that "it agreed before, and not after" has to explain.
_EXPLAINED = 0.8
#: Pixels (shares of the focal length) within which a new pose explains a centroid, and share of them that it has to explain.
_POSE_ERROR, _POSE_SHARE = 0.03, 0.6
#: A camera that sees something and agrees in fewer of the frames contradicts the others, and in fewer still says nothing of the subject.
_SELDOM, _NEVER = 0.5, 0.2

#: By view and view; NaN where they cannot be compared.
Overlaps = Float[NDArray, "view view"]

_FLIP = np.diag([1.0, -1.0, -1.0])
#: Conventions of other programs, as what has to be done to a pose that was read as this project's.
_CONVENTIONS: dict[str, Callable[[Camera], Camera]] = {
    "the poses are camera to world, and world to camera is needed": lambda camera: replace(
        camera, rotation=camera.rotation.T, translation=camera.centre
    ),
    "the translations are the cameras' positions": lambda camera: replace(camera, translation=-camera.rotation @ camera.translation),
    "the rotations are transposed": lambda camera: replace(camera, rotation=camera.rotation.T),
    "the cameras' axes are OpenGL's (y up, z backward)": lambda camera: replace(
        camera, rotation=_FLIP @ camera.rotation, translation=_FLIP @ camera.translation
    ),
    "the poses are camera to world, of cameras with OpenGL's axes (y up, z backward)": lambda camera: replace(
        camera, rotation=_FLIP @ camera.rotation.T, translation=-_FLIP @ camera.rotation.T @ camera.translation
    ),
    "the matrices are for pictures of twice the size": lambda camera: _zoom(camera, 0.5),
    "the matrices are for pictures of half the size": lambda camera: _zoom(camera, 2.0),
}


class Contradiction(NamedTuple):
    """What contradicts the other cameras: names (none: all together), the first frame in which it does (position), and a sentence."""

    cameras: tuple[str, ...]
    since: int
    text: str


@dataclass(frozen=True)
class Views:
    """What is compared: `cameras` of the survey pictures, the session's `frames`, clusters and silhouettes, and what two have to see alike."""

    cameras: Sequence[Camera]
    frames: Int[NDArray, "frame"]
    clusters: Clusters
    read_masks: ReadMasks
    signals: Signals

    @property
    def names(self) -> list[str]:
        return [camera.name for camera in self.cameras]


def find_contradictions(views: Views, in_time: Signals, max_offset: int) -> list[Contradiction]:
    """Name the cameras that contradict the others and whose contradiction has a cause that can be told; none on clean recordings.

    Cameras that are late by at most `max_offset` frames are :mod:`bkind3d.survey.synchronisation`'s matter; `in_time` are the signals with
    these offsets taken back.
    """
    n_views, series = len(views.cameras), compare_signals(views.signals)
    trusted = find_trusted(_middle(series))
    found = _find_copies(views, trusted)
    if len(trusted) < n_views and len(find_trusted(_middle(compare_signals(in_time)))) < n_views:
        found += _blame_suspects(views, series, trusted, found, max_offset)
    if len(trusted) > 2:
        rest = {view: [other for other in trusted if other != view] for view in trusted}
        steps = {view: _find_step(series, view, others) for view, others in rest.items()}
        # One that is moved takes from what the others agree, too, and less.
        worst = max(steps, key=lambda view: steps[view].drop)
        found += _blame_step(views, steps[worst], worst, rest[worst])
    return found or _blame_signs(views)


def _blame_suspects(
    views: Views,
    series: Float[NDArray, "view view frame"],
    trusted: Sequence[int],
    copies: Sequence[Contradiction],
    max_offset: int,
) -> list[Contradiction]:
    """What is wrong with the cameras that are not trusted, beside `copies`; all together where none is."""
    outlines = _read_outlines(views)
    before = outlines.compare()
    blamed = _list_names(copies)
    suspects = [view for view, name in enumerate(views.names) if view not in trusted and name not in blamed]
    found = [] if trusted else _blame_convention(views, outlines, before)
    if found:
        return found
    found = _blame_exchange(views, outlines, before, suspects, trusted)
    for view in suspects if trusted or len(suspects) == 2 else []:
        others = trusted or [other for other in suspects if other != view]
        if views.names[view] not in _list_names(found):
            found += _explain(views, outlines, before, series, view, others, max_offset)
    return found if found or trusted or copies else _blame_all(before)


def blame_seldom(names: Sequence[str], clusters: Clusters, chosen: Chosen, texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cameras that see something and seldom agree with what the others see, told in a sentence more, and the names of those that never do."""
    sees, agrees, texts, never = np.isfinite(clusters[..., 0]).any(axis=2), chosen >= 0, list(texts), []
    for view, name in enumerate(names):
        others = np.delete(agrees, view, axis=1).sum(axis=1) >= 2
        both = sees[:, view] & others
        if min(others.mean(), both.mean()) < _SELDOM or (share := float(agrees[both, view].mean())) >= _SELDOM:
            continue
        texts.append(
            f"camera {name} sees something in {100 * sees[:, view].mean():.0f} % of the frames and agrees with the others in {100 * share:.0f} %: its "
            "calibration or its video is another camera's or of another time, or something else moves before it"
        )
        never += [name] if share < _NEVER else []
    return texts, never


def compare_signals(signals: Signals) -> Float[NDArray, "view view frame"]:
    """How far the angles between which two cameras see the subject lie upon each other: intersection over union; NaN where one sees nothing."""
    low, high = signals.angles
    # Camera one around its line to the other, and the other around the same line.
    return _overlap(low, high, low.swapaxes(0, 1), high.swapaxes(0, 1))


def _overlap(low: Array, high: Array, other_low: Array, other_high: Array) -> Array:
    shared = np.minimum(high, other_high) - np.maximum(low, other_low)
    return np.maximum(shared, 0) / np.maximum(np.maximum(high, other_high) - np.minimum(low, other_low), 1e-9)


def _middle(series: Float[NDArray, "view view frame"]) -> Overlaps:
    """Medians over time; NaN where there is too little to compare."""
    known = np.isfinite(series).sum(axis=2) >= min(_LEAST, series.shape[2] // 3 + 1)
    return np.where(known, _median(np.where(known[..., None], series, np.nan)), np.nan)


def _median(values: Array) -> Array:
    """Median over the last axis of what is known; NaN where nothing is."""
    known = np.isfinite(values).any(axis=-1)
    return np.where(known, np.nanmedian(np.where(known[..., None], values, 0.0), axis=-1), np.nan)


def find_trusted(overlaps: Overlaps) -> list[int]:
    """The cameras that agree with each other: the worst one is left out until all do; none where no two agree.

    Cameras that cannot be compared with any are not blamed.
    """
    trusted = list(range(len(overlaps)))
    while len(trusted) > 1:
        part = overlaps[np.ix_(trusted, trusted)]
        agrees = _median(part)
        if not (agrees < _AGREED).any():
            return trusted
        means = np.array([np.nanmean(row) if np.isfinite(row).any() else np.inf for row in part])
        trusted.pop(int(means.argmin()))
    return []


@dataclass(frozen=True)
class _Outlines:
    """Outlines of the largest silhouettes: pixels of all moments of each view in one array, where each moment begins, and which have one."""

    cameras: Sequence[Camera]
    points: list[Float[NDArray, "point 2"]]
    starts: list[Int[NDArray, "moment"]]
    there: Bool[NDArray, "view moment"]

    def compare(self, cameras: Sequence[Camera] | None = None, mirrored: Sequence[int] = ()) -> Overlaps:
        """Overlaps of all views, if the cameras were others, or the pictures of some `mirrored`."""
        rig = list(cameras or self.cameras)
        n_views, n_moments = self.there.shape
        bounds = np.full((2, n_views, n_views, n_moments), np.nan)
        for view, points in enumerate(self.points):
            if not len(points):
                continue
            turned = points * [-1, 1] + [rig[view].size[0] - 1, 0] if view in mirrored else points
            rays = pixel_directions(rig[view], turned)
            for other in range(n_views):
                if other != view:
                    angles = measure_angles(rays, rig[view], rig[other], rig)
                    ends = [edge.reduceat(angles, self.starts[view]) for edge in (np.minimum, np.maximum)]
                    bounds[:, view, other, self.there[view]] = ends
        low, high = bounds
        return _middle(_overlap(low, high, low.swapaxes(0, 1), high.swapaxes(0, 1)))


def _read_outlines(views: Views, since: int = 0) -> _Outlines:
    """Outlines in some moments, from one on, in which most views see something that the picture's edge does not cut off."""
    boxes = views.clusters[:, :, 0, 3:7]
    sizes = np.array([camera.size for camera in views.cameras])
    whole = np.asarray((boxes[..., :2] > 0).all(axis=2) & (boxes[..., 2:] < sizes - 1).all(axis=2))
    whole[:since] = False
    counts = whole.sum(axis=1)
    usable = np.flatnonzero((counts >= 2) & (counts >= np.median(counts[counts >= 2]) if (counts >= 2).any() else False))
    moments = usable[spread_indices(len(usable), _MOMENTS)]
    points, starts = [], []
    for view in range(len(views.cameras)):
        found = []
        at = moments[whole[moments, view]]
        for moment, mask in zip(at, views.read_masks(view, at), strict=True):
            left, top, right, bottom = boxes[moment, view].astype(int)
            part = np.ascontiguousarray(mask[top : bottom + 1, left : right + 1])
            contours = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
            found.append(np.concatenate([*(contour.reshape(-1, 2) for contour in contours)]).astype(np.float64) + [left, top])
        points.append(np.concatenate(found) if found else np.zeros((0, 2)))
        starts.append(np.cumsum([0, *map(len, found)])[:-1].astype(np.int64))
    return _Outlines(views.cameras, points, starts, whole[moments].T)


def _find_copies(views: Views, trusted: Sequence[int]) -> list[Contradiction]:
    """Cameras whose silhouettes are another's in every frame show its video: the one that does not agree with the rest, or both."""
    found = []
    largest = views.clusters[:, :, 0]
    for one, other in combinations(range(len(views.cameras)), 2):
        both = np.isfinite(largest[:, [one, other], 0]).all(axis=1)
        if views.cameras[one].size != views.cameras[other].size or both.sum() < _LEAST:
            continue
        apart = np.linalg.norm(largest[both, one, 1:3] - largest[both, other, 1:3], axis=1)
        areas = np.abs(largest[both, one, 0] / largest[both, other, 0] - 1)
        if np.quantile(apart, 0.9) < _SAME_PIXELS and np.quantile(areas, 0.9) < _SAME_AREA:
            names = (views.names[one], views.names[other])
            blamed = tuple(views.names[view] for view in (one, other) if view not in trusted)
            text = f"cameras {names[0]} and {names[1]} show the same video: give the right file of each in the sheet of cameras"
            found.append(Contradiction(blamed or names, 0, text))
    return found


def _list_names(found: Sequence[Contradiction]) -> set[str]:
    return {name for entry in found for name in entry.cameras}


def _mends(before: Overlaps, after: Overlaps, views: Sequence[int], others: Sequence[int]) -> bool:
    """Whether these views agree with the others after, and did not before."""
    return all(
        _score(after, view, others) >= max(_AGREED, _score(before, view, others) + _MENDED) for view in views
    )  # NaN is never at least anything


def _score(overlaps: Overlaps, view: int, others: Sequence[int]) -> float:
    return float(_median(overlaps[view, [other for other in others if other != view]]))


def _blame_convention(views: Views, outlines: _Outlines, before: Overlaps) -> list[Contradiction]:
    """Conventions by which all cameras agree."""
    everyone = list(range(len(views.cameras)))

    def agree(after: Overlaps) -> bool:
        return len(find_trusted(after)) == len(everyone) and float(np.nanmedian(after)) >= float(np.nanmedian(before)) + _MENDED

    causes = [text for text, change in _CONVENTIONS.items() if agree(outlines.compare([change(camera) for camera in views.cameras]))]
    causes += ["all videos were mirrored, as they were not when they were calibrated"] if agree(outlines.compare(mirrored=everyone)) else []
    if causes:
        return [Contradiction((), 0, f"the cameras do not agree, and would if {', or if '.join(causes)}: correct the calibration")]
    return []


def _blame_all(before: Overlaps) -> list[Contradiction]:
    """Several cameras of which no two agree, for no cause that is known."""
    usual = float(np.nanmedian(before)) if np.isfinite(before).any() else 1.0
    if len(before) == 2 or usual >= _NOTHING:
        return []
    text = (
        f"no two cameras agree on what they see (the outlines of two have {100 * usual:.0f} % in common, median): calibration and videos do "
        "not belong together, or the calibration is in a convention of its own"
    )
    return [Contradiction((), 0, text)]


def _blame_signs(views: Views) -> list[Contradiction]:
    """Cameras that agree on places behind themselves."""
    centroids = views.clusters[:, :, 0, 1:3]
    points = triangulate_pixels(list(views.cameras), centroids.swapaxes(0, 1))
    depths = np.stack([points @ camera.rotation[2] + camera.translation[2] for camera in views.cameras], axis=1)
    known = np.isfinite(depths) & np.isfinite(centroids[..., 0])
    if known.sum() < _LEAST or (depths[known] < 0).mean() < _EXPLAINED:
        return []
    return [Contradiction((), 0, "what the cameras see lies behind all of them: the translations of the calibration have the wrong sign")]


def _blame_exchange(
    views: Views, outlines: _Outlines, before: Overlaps, suspects: Sequence[int], trusted: Sequence[int]
) -> list[Contradiction]:
    """Suspects that agree with all others once their calibrations are exchanged."""
    for chosen in [part for n in (2, 3, 4) for part in combinations(suspects, n)]:
        for order in permutations(chosen):
            if any(view == place for view, place in zip(chosen, order, strict=True)):
                continue
            rig = list(views.cameras)
            for view, place in zip(chosen, order, strict=True):
                rig[view] = replace(views.cameras[place].resized(views.cameras[view].size), name=views.names[view])
            if _mends(before, outlines.compare(rig), chosen, trusted or range(len(rig))):
                names = tuple(views.names[view] for view in chosen)
                pairs = ", ".join(f"{views.names[view]} as {views.names[place]}" for view, place in zip(chosen, order, strict=True))
                text = (
                    f"cameras {' and '.join(names)} seem to be exchanged (they agree with the others, were they calibrated as follows: {pairs}): "
                    "exchange their videos in the sheet of cameras"
                )
                return [Contradiction(names, 0, text)]
    return []


def _explain(
    views: Views,
    outlines: _Outlines,
    before: Overlaps,
    series: Float[NDArray, "view view frame"],
    view: int,
    others: Sequence[int],
    max_offset: int,
) -> list[Contradiction]:
    """Why one camera does not agree with others that agree with each other; nothing where no cause mends it."""
    name = views.names[view]
    if _mends(before, outlines.compare(mirrored=[view]), [view], others):
        text = f"camera {name} is mirrored beside its calibration: mirror its video (a crop with flip in the sheet of cameras), or calibrate with what it films"
        return [Contradiction((name,), 0, text)]
    lag = _find_lag(views.signals, view, others)
    if lag:
        text = f"camera {name} shows moments {lag:+d} frames later than the others: cut the videos so that they begin together, or give frame maps"
        return [Contradiction((name,), 0, text)] if abs(lag) > max_offset else []
    step = _blame_step(views, _find_step(series, view, others), view, others)
    if step:
        return step
    moved = _find_pose(views, view, others, 0)
    if moved is not None:
        rig = [moved if place == view else camera for place, camera in enumerate(views.cameras)]
        if _mends(before, outlines.compare(rig), [view], others):
            text = f"camera {name} was moved since it was calibrated: calibrate again"
            return [Contradiction((name,), 0, text)]
    return []


def _find_lag(signals: Signals, view: int, others: Sequence[int]) -> int:
    """Frames by which a camera is late, where that mends it and both halves of the time say so; 0 where nothing does."""
    n_frames = signals.motion.shape[1]
    halves = np.array_split(spread_indices(n_frames, _FRAMES), 2)
    most = min(n_frames // 2, _LONGEST_LAG)
    lags = np.arange(-most, most + 1)
    scores = np.array([[_score_lag(signals, view, others, half, lag) for lag in lags] for half in halves])
    together = scores.mean(axis=0)
    best = int(together.argmax())
    agree = (np.abs(scores.argmax(axis=1) - best) <= _SAME_LAG).all()
    now = float(together[most])
    return int(lags[best]) if agree and scores[:, best].min() >= max(_AGREED, now + _MENDED) else 0


def _score_lag(signals: Signals, view: int, others: Sequence[int], frames: Int[NDArray, "frame"], lag: int) -> float:
    """Overlap with the others in some frames, if the camera were so many frames late; 0 where that cannot be said."""
    at = frames[(frames + lag >= 0) & (frames + lag < signals.motion.shape[1])]
    low, high = signals.angles
    found = [_overlap(low[view, one, at + lag], high[view, one, at + lag], low[one, view, at], high[one, view, at]) for one in others]
    medians = [np.median(overlap[known]) for overlap in found if (known := np.isfinite(overlap)).sum() >= _LEAST]
    return float(np.median(medians)) if medians else 0.0


class _Step(NamedTuple):
    """How much less a camera agrees, and from which position on; 0 where it does not change."""

    drop: float
    since: int


def _find_step(series: Float[NDArray, "view view frame"], view: int, others: Sequence[int]) -> _Step:
    """Until when a camera agrees, where it does so up to a frame and not after."""
    overlap = _median(series[view, list(others)].T)
    known = np.flatnonzero(np.isfinite(overlap))
    values = overlap[known]
    splits = _LEAST + spread_indices(max(len(known) - 2 * _LEAST, 0), _FRAMES)
    drops = np.array([np.median(values[:split]) - np.median(values[split:]) for split in splits])
    if not len(drops) or drops.max() < _MENDED:
        return _Step(0.0, 0)
    middle = float(np.median(values[: splits[drops.argmax()]]) - drops.max() / 2)
    # Where "above the middle before, and below it after" explains most.
    above = np.concatenate([[0], np.cumsum(values > middle)])
    right = above[splits] + (len(values) - splits) - (above[-1] - above[splits])
    return _Step(float(drops.max()) if right.max() >= _EXPLAINED * len(values) else 0.0, int(known[splits[right.argmax()]]))


def _blame_step(views: Views, step: _Step, view: int, others: Sequence[int]) -> list[Contradiction]:
    """A camera that agrees until a frame, and after it only in another pose."""
    moved = _find_pose(views, view, others, step.since) if step.drop else None
    if moved is None:
        return []
    outlines = _read_outlines(views, step.since)
    rig = [moved if place == view else camera for place, camera in enumerate(views.cameras)]
    if not _mends(outlines.compare(), outlines.compare(rig), [view], others):
        return []
    text = f"camera {views.names[view]} was moved at about frame {views.frames[step.since]}: calibrate it anew from there"
    return [Contradiction((views.names[view],), step.since, text)]


def _find_pose(views: Views, view: int, others: Sequence[int], since: int) -> Camera | None:
    """The camera in the pose by which it sees, from a frame on, the centroids that at least two others see; None where there is none."""
    centroids = views.clusters[since:, :, 0, 1:3]
    known = np.isfinite(centroids[:, view]).all(axis=1) & (np.isfinite(centroids[:, list(others), 0]).sum(axis=1) >= 2)
    frames = np.flatnonzero(known)[spread_indices(int(known.sum()), _FRAMES)]
    if len(frames) < _LEAST:
        return None
    points = triangulate_pixels([views.cameras[other] for other in others], centroids[frames][:, list(others)].swapaxes(0, 1))
    camera = views.cameras[view]
    rays = pixel_directions(camera, centroids[frames, view]) @ camera.rotation.T
    kept = np.isfinite(points).all(axis=1) & (rays[:, 2] > 1e-3)
    points, seen = points[kept], rays[kept, :2] / rays[kept, 2:]
    if len(points) < _LEAST:
        return None
    start = cv2.Rodrigues(camera.rotation)[0], camera.translation.copy().reshape(3, 1)
    done, turn, translation, inliers = cv2.solvePnPRansac(
        points, seen, np.eye(3), None, *start, useExtrinsicGuess=True, iterationsCount=300, reprojectionError=_POSE_ERROR, flags=cv2.SOLVEPNP_ITERATIVE
    )  # fmt: skip
    if not done or inliers is None or len(inliers) < _POSE_SHARE * len(points):
        return None
    return replace(camera, rotation=np.asarray(cv2.Rodrigues(turn)[0]), translation=np.asarray(translation).ravel())


def _zoom(camera: Camera, factor: float) -> Camera:
    """The camera with a matrix for pictures that are larger by `factor`."""
    return replace(camera, matrix=np.diag([factor, factor, 1.0]) @ camera.matrix)
