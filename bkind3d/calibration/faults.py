"""What is wrong with a rig, found from the board views before any bundle adjustment: and which camera it is.

Each check names cameras and gives its reason in one sentence. A camera is blamed where the others agree without it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.camera_pairs import AGREEMENT, SHARED_FRAMES, Boards, Pair, compare_pair, compare_pairs, find_boards, group_cameras
from bkind3d.calibration.judgement import Finding, Level
from bkind3d.config import BoardConfig
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.units import METRES

#: Angle (degrees) and distance (share of that to the board) below which two cameras have the same pose, and nearly the same.
_SAMENESS: tuple[tuple[str, Level, tuple[float, float]], ...] = (
    ("the same", "failure", (0.5, 0.005)), ("nearly the same", "warning", (2.0, 0.02)),
)  # fmt: skip
#: Share of the frames that "it stood here before, and there after" has to explain.
_STEP_AGREEMENT = 0.85
#: Largest delay between two cameras that is looked for, in searched frames, and fewest frames that have to show it.
_MAX_LAG, _LAG_FRAMES = 20, 5
#: Lengths of a board in metres that can be.
_BOARD_METRES = (1e-3, 5.0)


def check_scale(board: BoardConfig, units: str) -> list[Finding]:
    """A board that would be a house or a grain of dust is in other units than the rig."""
    length = max(board.squares_x, board.squares_y) * board.square_length
    metres = length * METRES.get(units, np.nan)
    if _BOARD_METRES[0] <= metres <= _BOARD_METRES[1] or np.isnan(metres):
        return []
    text = f"the board would be {length:g} {units} ({metres:.3g} m) long: square_length {board.square_length:g} is not in the rig's units ({units})"
    return [Finding("failure", "scale", (), text)]


def find_faults(lenses: list[Camera], corners: Corners) -> list[Finding]:
    """All that the board views tell about cameras that do not fit.

    Of `lenses`, the poses are not used, and the intrinsics may come from each camera's own board views.
    """
    names, boards = corners.cameras, find_boards(lenses, corners)
    every_pair = compare_pairs(boards)
    findings = [*_find_unshared(corners), *_find_copies(names, boards, every_pair)]
    blamed = find_mirrored(corners)
    behind = _find_behind(blamed, every_pair)
    blamed -= behind
    findings += [_blame_mirror(names[camera]) for camera in blamed]
    findings += [Finding("remark", "back", (names[camera],), f"camera {names[camera]!r} sees the board's back") for camera in behind]
    pairs = {key: pair for key, pair in every_pair.items() if not blamed & set(key)}
    for cameras, frame in _find_moved(boards, pairs):
        moved = tuple(names[camera] for camera in cameras)
        text = (
            f"camera {' or '.join(map(repr, moved))} was moved while the board was filmed, at about frame {corners.frames[frame]}; "
            "film the board again, with cameras that stand still"
        )
        findings.append(Finding("failure", "moved", moved, text))
        blamed |= cameras
    pairs = {key: pair for key, pair in pairs.items() if not blamed & set(key)}
    for camera, trusted in find_suspects(len(names), pairs, lambda pair: pair.agreement >= AGREEMENT):
        findings.append(_explain_misfit(camera, trusted, lenses, corners, boards))
    return findings


def find_mirrored(corners: Corners) -> set[int]:
    """Cameras (numbers) that see the board's corners run the wrong way round."""
    mirrored = set()
    for camera, views in enumerate(corners.points):
        signs = []
        for view in views[corners.seen[camera]]:
            known = np.isfinite(view[:, 0])
            on_board = np.concatenate([corners.model[known, :2], np.ones((known.sum(), 1))], axis=1)
            signs.append(np.sign(np.linalg.det(np.linalg.lstsq(on_board, view[known], rcond=None)[0][:2])))
        if signs and np.mean(signs) < 0:
            mirrored.add(camera)
    return mirrored


def _find_behind(mirrored: set[int], pairs: dict[tuple[int, int], Pair]) -> set[int]:
    """Cameras that see the board mirrored because they see its back: it is where the others see its front. A mirrored picture's is not."""
    return {
        camera
        for camera in mirrored
        if any(pair.agreement >= AGREEMENT for key, pair in pairs.items() if camera in key and not mirrored >= set(key))
    }


def find_suspects(n_cameras: int, pairs: dict[tuple[int, int], Pair], agrees: Callable[[Pair], bool]) -> list[tuple[int, list[int]]]:
    """Cameras that disagree with the largest group of cameras that agree, and the cameras of that group they can be compared with.

    Where no group is larger than another (two cameras), all are suspect.
    """
    groups = group_cameras(n_cameras, [key for key, pair in pairs.items() if agrees(pair)])
    compared = {camera for key in pairs for camera in key}
    groups = [group for group in groups if group & compared]
    if len(groups) < 2:
        return []
    trusted = groups[0] if len(groups[0]) > len(groups[1]) else set()
    suspects = []
    for camera in sorted(compared - trusted):
        partners = [other for key in pairs if camera in key for other in key if other != camera and (other in trusted or not trusted)]
        if partners:
            suspects.append((camera, partners))
    return suspects


def find_lag(boards: Boards, frames: Int[NDArray, "..."], camera: int, partners: list[int]) -> int | None:
    """Frames by which `camera` is later than `partners`, from its board views; None where no delay explains them better.

    Delays that fall between the numbers of the searched `frames` cannot be seen.
    """
    votes = []
    for other in partners:
        best: Pair | None = None
        for lag in range(-_MAX_LAG, _MAX_LAG + 1):
            indices = np.arange(max(0, -lag), len(frames) - max(0, lag))
            steady = frames[indices + lag] - frames[indices] == lag * np.diff(frames).min(initial=1)
            both = indices[steady & boards.seen[other, indices] & boards.seen[camera, indices + lag]]
            pair = compare_pair(boards, other, camera, both, lag) if len(both) >= _LAG_FRAMES else None
            if pair is not None and pair.agreement >= AGREEMENT and (best is None or np.median(pair.misfits) < np.median(best.misfits)):
                best, found = pair, lag
        votes.append(0 if best is None else int(found * np.diff(frames).min(initial=1)))
    lag, count = Counter(votes).most_common(1)[0]
    return lag if lag and 2 * count > len(votes) else None


def measure_motion(first: Array, second: Array) -> tuple[float, float]:
    """Angle (degrees) and distance (world units) between two (4, 4) poses of a camera, world to camera."""
    turn = first[:3, :3].T @ second[:3, :3]
    angle = float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
    centres = [-pose[:3, :3].T @ pose[:3, 3] for pose in (first, second)]
    return angle, float(np.linalg.norm(centres[0] - centres[1]))


def blame_copy(names: tuple[str, str], first: Array, second: Array, distance: float) -> list[Finding]:
    """Say that two cameras are copies where their (4, 4) poses, world to camera, are the same; `distance` is that to what they see."""
    angle, apart = measure_motion(first, second)
    for word, level, (limit_angle, limit_share) in _SAMENESS:
        if angle < limit_angle and apart / distance < limit_share:
            text = f"cameras {names[0]!r} and {names[1]!r} have {word} position and direction; one is a copy of the other (of its video, or of its calibration)"
            return [Finding(level, "copy", names, text)]
    return []


def _find_copies(names: list[str], boards: Boards, pairs: dict[tuple[int, int], Pair]) -> list[Finding]:
    findings = []
    for (one, other), pair in pairs.items():
        if pair.agreement >= AGREEMENT:
            distance = float(np.nanmedian(np.linalg.norm(boards.poses[one, pair.frames, :3, 3], axis=1)))
            findings += blame_copy((names[one], names[other]), np.eye(4), pair.motion, distance)
    return findings


def _find_unshared(corners: Corners) -> list[Finding]:
    findings = []
    for one, other in np.argwhere(np.triu(corners.shared < SHARED_FRAMES, k=1)):
        names, count = (corners.cameras[one], corners.cameras[other]), int(corners.shared[one, other])
        text = f"cameras {names[0]!r} and {names[1]!r} see the board together in {count} frames; how they stand to each other follows from other cameras"
        findings.append(Finding("remark", "unshared", names, text))
    return findings


def _find_moved(boards: Boards, pairs: dict[tuple[int, int], Pair]) -> list[tuple[set[int], int]]:
    """Cameras that were moved while the board was filmed, with the first frame (index) after; both of a pair that stands alone."""
    steps = {key: step for key, pair in pairs.items() if (step := _find_step(boards, pair)) is not None}
    moved = []
    remaining = dict(pairs)
    while steps:
        votes = Counter(camera for key in steps for camera in key)
        shares = {camera: count / sum(camera in key for key in remaining) for camera, count in votes.items()}
        worst = max(shares, key=lambda camera: (shares[camera], votes[camera]))
        if shares[worst] <= 0.5:
            break
        frame = int(np.median([step for key, step in steps.items() if worst in key]))
        moved.append((set(next(iter(remaining))) if len(remaining) == 1 else {worst}, frame))
        steps = {key: step for key, step in steps.items() if worst not in key}
        remaining = {key: pair for key, pair in remaining.items() if worst not in key}
    return moved


def _find_step(boards: Boards, pair: Pair) -> int | None:
    """First frame (index) from which on another motion relates the cameras of `pair` than before."""
    good = pair.misfits <= 1
    n_before = np.concatenate([[0], np.cumsum(good)])
    # Explained frames where the change comes before frame m, if the motion holds before, or after it.
    holds_before = n_before + (len(good) - np.arange(len(good) + 1)) - (n_before[-1] - n_before)
    split = max(range(SHARED_FRAMES, len(good) - SHARED_FRAMES + 1), key=lambda m: abs(2 * holds_before[m] - len(good)), default=0)
    if max(holds_before[split], len(good) - holds_before[split]) < _STEP_AGREEMENT * len(good) or split == 0:
        return None
    is_rest = (np.arange(len(good)) >= split) == (holds_before[split] > len(good) / 2)
    if good[is_rest].mean() > 1 - AGREEMENT:
        return None
    again = compare_pair(boards, pair.one, pair.other, pair.frames[is_rest])
    return int(pair.frames[split]) if again is not None and again.agreement >= AGREEMENT else None


def _explain_misfit(camera: int, trusted: list[int], lenses: list[Camera], corners: Corners, boards: Boards) -> Finding:
    name, others = corners.cameras[camera], ", ".join(corners.cameras[other] for other in trusted)
    if _fits_mirrored(camera, trusted, lenses, corners, boards):
        return _blame_mirror(name)
    lag = find_lag(boards, corners.frames, camera, trusted)
    if lag is not None:
        when, cut = ("later", "its video") if lag > 0 else ("earlier", f"the videos of {others}")
        text = f"camera {name!r} films {abs(lag)} frames {when} than {others}: cut {abs(lag)} frames off the beginning of {cut}"
        return Finding("failure", "timing", (name,), text)
    text = f"camera {name!r} does not agree with {others} on where the board is: its video may be out of sync, of another recording, "
    return Finding("failure", "misfit", (name,), text + "or of a camera that moved all the time")


def _fits_mirrored(camera: int, trusted: list[int], lenses: list[Camera], corners: Corners, boards: Boards) -> bool:
    """Whether the mirror image of a camera's pictures fits: a checkerboard is found in it as well."""
    points = corners.points[camera].copy()
    points[..., 0] = corners.sizes[camera][0] - 1 - points[..., 0]
    matrix = lenses[camera].matrix.copy()
    matrix[0, 2] = corners.sizes[camera][0] - 1 - matrix[0, 2]
    lens = replace(lenses[camera], matrix=matrix)
    for axis in (0, 1):
        order = np.lexsort([corners.model[:, 0] * (-1 if axis == 0 else 1), corners.model[:, 1] * (-1 if axis == 1 else 1)])
        seen = replace(corners, cameras=[lens.name], sizes=[corners.sizes[camera]], points=points[None, :, order])
        poses = boards.poses.copy()
        poses[camera] = find_boards([lens], seen).poses[0]
        turned = replace(boards, poses=poses)
        found = [compare_pair(turned, other, camera, np.flatnonzero(turned.seen[other] & turned.seen[camera])) for other in trusted]
        if np.median([0.0 if pair is None else pair.agreement for pair in found]) >= AGREEMENT:
            return True
    return False


def _blame_mirror(name: str) -> Finding:
    text = f"camera {name!r} is mirrored: mirror its videos back (ffmpeg -vf hflip), or record without mirroring"
    return Finding("failure", "mirrored", (name,), text)
