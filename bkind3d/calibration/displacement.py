"""A calibration that is given, held against views of a board: copies, cameras that were moved since, exchanged names."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.camera_pairs import AGREEMENT, Boards, Pair, compare_pairs, find_boards, measure_misfits
from bkind3d.calibration.faults import blame_copy, find_suspects, measure_motion
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.calibration.judgement import Finding
from bkind3d.geometry.cameras import Camera


def check_given(cameras: list[Camera], corners: Corners) -> list[Finding]:
    """What the board views say against the given `cameras`; the others' word counts against a single one's.

    World frame and units are the cameras'; the board's units have to be the same.
    """
    boards = find_boards(cameras, corners)
    distance = float(np.nanmedian(np.linalg.norm(boards.poses[..., :3, 3], axis=-1)))
    findings = []
    for one, other in combinations(cameras, 2):
        findings += blame_copy((one.name, other.name), one.extrinsics, other.extrinsics, distance)
    copies = {name for finding in findings if finding.level == "failure" for name in finding.cameras}
    blamed = _find_displaced(cameras, corners, boards, copies)
    if copies and sum(finding.cameras[0] in copies for finding in blamed) != 1:
        # One of them is right. The copied entry has the other camera's lens, too, with which no view may fit: take one from its own views.
        lenses = [
            estimate_intrinsics(corners.model, points, size, camera.name, camera.fisheye) if camera.name in copies else camera
            for camera, points, size in zip(cameras, corners.points, corners.sizes, strict=True)
        ]
        boards = find_boards(lenses, corners)
        blamed = _find_displaced(cameras, corners, boards, copies)
    return findings + blamed


def _find_displaced(cameras: list[Camera], corners: Corners, boards: Boards, copies: set[str]) -> list[Finding]:
    """Cameras that do not stand where they are said to, by what pairs of cameras see of the boards."""
    # Pairs that disagree whatever the calibration says are another matter (bkind3d.calibration.faults).
    usable = {key: pair for key, pair in compare_pairs(boards).items() if pair.agreement >= AGREEMENT}
    held = {key: _hold_against(cameras, boards, pair) for key, pair in usable.items()}
    suspects = find_suspects(len(cameras), usable, lambda pair: held[pair.one, pair.other] >= AGREEMENT)
    return [_explain(camera, trusted, cameras, corners, usable, copies) for camera, trusted in suspects]


def _hold_against(cameras: list[Camera], boards: Boards, pair: Pair) -> float:
    """Share of the frames that the given poses explain."""
    motion = cameras[pair.one].extrinsics @ np.linalg.inv(cameras[pair.other].extrinsics)
    return float((measure_misfits(boards, (pair.one, pair.other), pair.frames, motion[None]) <= 1).mean())


def _explain(
    camera: int, trusted: list[int], cameras: list[Camera], corners: Corners, pairs: Mapping[tuple[int, int], Pair], copies: set[str]
) -> Finding:
    name = cameras[camera].name
    for other in set(range(len(cameras))) - {camera}:
        if cameras[other].name in copies and name in copies:
            continue
        posed_as = [replace(cameras[other], name=name) if index == camera else given for index, given in enumerate(cameras)]
        partners = [partner for partner in trusted if partner != other]
        again = find_boards(posed_as, corners)
        found = {key: pair for key, pair in compare_pairs(again).items() if camera in key and set(key) & set(partners)}
        if found and np.median([_hold_against(posed_as, again, pair) for pair in found.values()]) >= AGREEMENT:
            text = f"what camera {name!r} sees fits the calibration of {cameras[other].name!r}: names or files are exchanged"
            return Finding("failure", "exchanged", (name,), text)
    displacements = []
    for other in trusted:
        motion = pairs[camera, other].motion if camera < other else np.linalg.inv(pairs[other, camera].motion)
        displacements.append(measure_motion(cameras[camera].extrinsics, motion @ cameras[other].extrinsics))
    angle, apart = np.median(displacements, axis=0)
    text = (
        f"camera {name!r} stands {apart:.3g} (world units) and {angle:.2g} degrees from where the calibration says: "
        + ("its entry is the copied one" if name in copies else "it was moved since, or this is another camera's calibration")
        + "; calibrate again"
    )
    return Finding("failure", "moved", (name,), text)
