import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.judgement import check_world_points
from bkind3d.calibration.world import compare_to_truth, place_between_cameras, place_by_points, place_on_floor
from bkind3d.config import CalibrationConfig, InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import make_cameras

TURN, SHIFT = cv2.Rodrigues(np.array([0.4, -1.1, 0.7]))[0], np.array([300.0, -200, 50])


def test_the_floor_is_the_board_that_lies_on_it(exact_corners: Corners) -> None:
    moved = [camera.moved(TURN, SHIFT) for camera in make_cameras().values()]
    for found, true in zip(place_on_floor(moved, exact_corners, 0), make_cameras().values(), strict=True):
        assert np.abs(found.rotation - true.rotation).max() < 1e-4
        assert np.abs(found.centre - true.centre).max() < 0.1


def test_a_floor_that_nobody_sees_is_refused(exact_corners: Corners) -> None:
    points = exact_corners.points.copy()
    points[:, 0] = np.nan
    with pytest.raises(InputError, match="floor_frame"):
        place_on_floor(list(make_cameras().values()), replace(exact_corners, points=points), 0)


def test_without_a_board_the_world_is_between_the_cameras() -> None:
    moved = [camera.moved(TURN, SHIFT) for camera in make_cameras().values()]
    found = place_between_cameras(moved)
    assert all(camera.centre[2] > 500 for camera in found)
    # They look at the origin, so it is nearest to their axes.
    for camera in found:
        pixel = camera.projection @ [0, 0, 0, 1]
        assert pixel[:2] / pixel[2] == pytest.approx([159.5, 119.5], abs=1e-6)
    assert found[0].centre[1] == pytest.approx(0, abs=1e-6)
    assert found[0].centre[0] > 0
    assert all(np.linalg.det(camera.rotation) == pytest.approx(1) for camera in found)


def test_distances_to_the_truth_with_and_without_alignment() -> None:
    true = make_cameras()
    moved = {name: camera.moved(np.eye(3), np.array([3.0, 4, 0])) for name, camera in true.items()}
    table = compare_to_truth(moved, true)
    for name, row in table.items():
        reach = np.linalg.norm(true[name].centre)
        assert row["distance"] == pytest.approx(5)
        assert row["percent"] == pytest.approx(500 / reach)
        assert row["aligned"] == pytest.approx(0, abs=1e-6)
        assert row["focal_percent"] == pytest.approx(0)
    with pytest.raises(InputError, match="'left'"):
        compare_to_truth(true, {name: camera for name, camera in true.items() if name != "left"})


PLACES = {"a": (0.0, 0, 0), "b": (200.0, 0, 0), "c": (0.0, 150, 20), "d": (100.0, 100, 100)}
FLOOR = {name: (x, y, 0.0) for name, (x, y, _) in PLACES.items()}


@pytest.mark.parametrize(
    ("seen", "given", "level", "message"),
    [
        (PLACES, PLACES, "", ""),
        (PLACES, {name: (y, x, z) for name, (x, y, z) in PLACES.items()}, "failure", "points are those of a mirrored world"),
        (PLACES, {name: (x, y, -z) for name, (x, y, z) in PLACES.items()}, "failure", "points are those of a mirrored world"),
        (PLACES, PLACES | {"d": (100.0, 100, 10)}, "failure", r"named point 'd' lies \S+ from its place"),
        (FLOOR, FLOOR, "", ""),
        (FLOOR, {name: (y, x, z) for name, (x, y, z) in FLOOR.items()}, "warning", "all cameras stand below the world's named points"),
    ],
)
def test_points_of_a_mirrored_world_and_mistyped_ones_are_found(
    tmp_path: Path, seen: dict[str, tuple[float, ...]], given: dict[str, tuple[float, ...]], level: str, message: str
) -> None:
    rows = ["point\tcamera\tcolumn\trow\tx\ty\tz"]
    for name, place in given.items():
        for camera in make_cameras().values():
            rows.append("\t".join(map(str, (name, camera.name, *project_through_lens(camera, np.array([seen[name]]))[0], *place))))
    (tmp_path / "points.tsv").write_text("\n".join(rows))
    _, details = place_by_points([camera.moved(TURN, SHIFT) for camera in make_cameras().values()], tmp_path / "points.tsv")
    findings = [finding for finding in check_world_points({"world_points": details}, CalibrationConfig()) if finding.kind == "world"]
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert all(re.search(message, finding.text) for finding in findings)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a\tleft\t1\t2\t0\t0\t0", "a\tright\t1\t2\t0\t0\t0"], r"1 point\(s\) are marked in two or more cameras \(a\)"),
        (["a\tother\t1\t2\t0\t0\t0"], "row 2: camera 'other' is not of this rig; it has left, right, back"),
        (["a\tleft\t1\ttwo\t0\t0\t0"], "row 2: column, row, x, y, z have to be numbers"),
        (["a\tleft\t1\t\t0\t0\t0"], "row 2: a number of .* is missing"),
        (["a\tleft\t1\t2\t0\t0\t0", "a\tright\t1\t2\t0\t0\t1"], "row 3: point 'a' was given before"),
    ],
)
def test_wrong_points_are_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    path = tmp_path / "points.tsv"
    path.write_text("\n".join(["point\tcamera\tcolumn\trow\tx\ty\tz", *rows]))
    with pytest.raises(InputError, match=message):
        place_by_points(list(make_cameras().values()), path)
    path.write_text("point\tcamera\tx\ty\tz\n")
    with pytest.raises(InputError, match="column 'column' is missing"):
        place_by_points(list(make_cameras().values()), path)
