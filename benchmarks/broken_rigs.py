"""Rigs with one fault, and whether exactly that is named."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.rigs import BOARD, BOARD_FRAMES, Array, make_rig, pose_boards, project_boards
from bkind3d.calibration.boards import Corners, detect_corners, locate_model, make_board
from bkind3d.calibration.displacement import check_given
from bkind3d.calibration.faults import check_scale, find_faults
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.calibration.judgement import Finding
from bkind3d.calibration.misprints import check_rows, explain_unseen_board, show_more_rows
from bkind3d.calibration.printing import draw_board
from bkind3d.config import BoardConfig
from bkind3d.geometry.cameras import Camera


def run_broken(kind: str, seed: int, noise: Array) -> dict[str, float | bool | str]:
    """One rig of six cameras with a fault: whether exactly that is named, by its kind and camera; `noise` are detection errors, pixels."""
    rig, cameras = make_rig(6, seed)
    corners = project_boards(cameras, pose_boards(rig, cameras), noise, seed)
    generator = np.random.default_rng([seed, 17])
    victim = int(generator.integers(6))
    expected, findings = FAULTS[kind](corners, cameras, victim, seed, noise)
    # Fewer rows are a warning: they may be there, and covered.
    found = {(finding.kind, tuple(finding.cameras)) for finding in findings if finding.level != "warning" or finding.kind == "squares"}
    return {"named": found == expected, "texts": "; ".join(finding.text for finding in findings)}


Named = tuple[set[tuple[str, tuple[str, ...]]], list[Finding]]


def diagnose(corners: Corners) -> list[Finding]:
    """What ``calibrate-cameras`` finds before it solves."""
    views = zip(corners.cameras, corners.points, corners.sizes, strict=True)
    return find_faults([estimate_once(corners.model, points, size, name) for name, points, size in views], corners)


_LENSES: dict[tuple[str, bytes], Camera] = {}


def estimate_once(model: Array, points: Array, size: tuple[int, int], name: str) -> Camera:
    """Intrinsics, remembered: the faults of a seed share the cameras that have none."""
    key = (name, points.tobytes())
    if key not in _LENSES:
        _LENSES[key] = estimate_intrinsics(model, points, size, name)
    return _LENSES[key]


def leave_clean(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """Nothing is wrong, neither for the solve nor for the true calibration."""
    more = show_more_rows([cv2.resize(draw_board(BOARD), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)], BOARD, False)
    wrong_rows = [Finding("failure", "squares", (), "more rows")] if any(more) else []
    given = check_given(list(cameras.values()), corners)
    return set(), [*diagnose(corners), *given, *check_scale(BOARD, "mm"), *check_rows(corners), *wrong_rows]


def copy_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """The video of a camera (even seeds), or its entry in the calibration, is another's."""
    names, source = corners.cameras, (victim + 1 + seed % 5) % 6
    pair = (names[min(victim, source)], names[max(victim, source)])
    if seed % 2 == 0:
        sizes = [corners.sizes[source] if index == victim else size for index, size in enumerate(corners.sizes)]
        return {("copy", pair)}, diagnose(replace(put(corners, victim, corners.points[source]), sizes=sizes))
    given = list(cameras.values())
    given[victim] = replace(given[source], name=names[victim])
    return {("copy", pair), ("moved", (names[victim],))}, check_given(given, corners)


def mirror_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """A camera's pictures are mirrored."""
    mirrored = corners.points[victim] * [-1, 1] + [corners.sizes[victim][0] - 1, 0]
    return {("mirrored", (corners.cameras[victim],))}, diagnose(put(corners, victim, mirrored))


def delay_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """A camera films 1 to 20 frames later than the others."""
    late = np.full_like(corners.points[victim], np.nan)
    late[seed + 1 :] = corners.points[victim, : -(seed + 1)]
    return {("timing", (corners.cameras[victim],))}, diagnose(put(corners, victim, late))


def move_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """A camera is pushed (2 to 5 degrees, 2 to 5 % of its distance): during the film (even seeds), or after the calibration."""
    generator, rig = np.random.default_rng([seed, 19]), make_rig(6, seed)[0]
    camera = list(cameras.values())[victim]
    axis, way = generator.normal(size=3), generator.normal(size=3)
    turn = cv2.Rodrigues(np.radians(generator.uniform(2, 5)) * axis / np.linalg.norm(axis))[0]
    centre = camera.centre + generator.uniform(0.02, 0.05) * np.linalg.norm(camera.centre) * way / np.linalg.norm(way)
    rotation = turn @ camera.rotation
    pushed = cameras | {camera.name: replace(camera, rotation=rotation, translation=-rotation @ centre)}
    named = {("moved", (camera.name,))}
    if seed % 2 == 0:
        after = project_boards(pushed, pose_boards(rig, cameras), noise, seed).points[victim]
        start = int(generator.integers(BOARD_FRAMES // 4, 3 * BOARD_FRAMES // 4))
        points = np.where(np.arange(BOARD_FRAMES)[:, None, None] < start, corners.points[victim], after)
        return named, diagnose(put(corners, victim, points))
    return named, check_given(list(cameras.values()), project_boards(pushed, pose_boards(rig, cameras, seed=1000), noise, seed))


def mistake_board(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """Another unit (even seeds), or other numbers of squares than the board in the pictures has."""
    if seed % 2 == 0:
        factor, units = ((1.0, "m"), (0.001, "mm"))[seed // 2 % 2]
        sides = {"square_length": factor * BOARD.square_length, "marker_length": factor * 45}
        return {("scale", ())}, check_scale(BoardConfig(**BOARD.model_dump() | sides), units)
    wrong = ({"squares_x": 5, "squares_y": 7}, {"squares_x": 8}, {"squares_x": 6}, {"squares_y": 6}, {"squares_y": 4})[seed // 2 % 5]
    config = BoardConfig(**BOARD.model_dump() | wrong)
    picture = cv2.resize(draw_board(BOARD), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    seen = [np.isfinite(detect_corners(make_board(config, legacy), picture)).any() for legacy in (False, True)]
    if config.squares_y > BOARD.squares_y and any(seen):
        # What is found on a board with fewer rows: nothing in the last ones.
        model = locate_model(make_board(config))
        points = np.full((*corners.points.shape[:2], len(model), 2), np.nan)
        points[:, :, : len(corners.model)] = corners.points
        return {("squares", ())}, check_rows(replace(corners, model=model, points=points))
    if any(seen):
        more = show_more_rows([picture], config, seen[1])
        return {("squares", ())}, [Finding("failure", "squares" if all(more) else "other", (), "more rows")]
    text = explain_unseen_board([picture], config)
    named = "squares" in text and "exchange" in text if "squares_x" in wrong and len(wrong) == 2 else "do not lie as on a board" in text
    return {("squares", ())}, [Finding("failure", "squares" if named else "other", (), text)]


def part_pair(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, noise: Array) -> Named:
    """Two cameras never see the board together."""
    other = (victim + 1 + seed % 5) % 6
    points = corners.points.copy()
    both = np.flatnonzero(corners.seen[victim] & corners.seen[other])
    points[victim, both[::2]], points[other, both[1::2]] = np.nan, np.nan
    pair = (corners.cameras[min(victim, other)], corners.cameras[max(victim, other)])
    return {("unshared", pair)}, diagnose(replace(corners, points=points))


def put(corners: Corners, camera: int, points: Array) -> Corners:
    """The corners with those of one camera exchanged."""
    changed = corners.points.copy()
    changed[camera] = points
    return replace(corners, points=changed)


FAULTS: dict[str, Callable[[Corners, dict[str, Camera], int, int, Array], Named]] = {
    "clean": leave_clean,
    "copied": copy_camera,
    "mirrored": mirror_camera,
    "out of sync": delay_camera,
    "moved": move_camera,
    "wrong board": mistake_board,
    "pair unshared": part_pair,
}
