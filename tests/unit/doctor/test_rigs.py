"""Rigs: which axis is up in the pictures, and how often the board was seen."""

import numpy as np
import pytest

from bkind3d.doctor.rigs import check_board_views, check_up, count_views, examine_rig
from bkind3d.geometry.cameras import Camera, axis_vector, upright_rotation
from bkind3d.study.opening import load_study
from tests.unit.doctor.conftest import find
from tests.workflow.tiny_study import make_cameras


def turn(up: str) -> dict[str, Camera]:
    """Cameras around a subject, in a world in which `up` points up."""
    rotation = upright_rotation(up).T
    return {camera.name: camera.moved(rotation, np.zeros(3)) for camera in make_cameras(4)}


@pytest.mark.parametrize("up", ["x", "y", "z", "-x", "-y", "-z"])
def test_the_axis_that_is_up_in_the_pictures_is_the_value_to_set(up: str) -> None:
    np.testing.assert_allclose(upright_rotation(up) @ axis_vector(up), [0, 0, 1], atol=1e-12)
    assert [check.status for check in check_up("ring", turn(up), up, turned=False)] == ["pass"]
    (check,) = check_up("ring", turn(up), "z" if up != "z" else "y", turned=False)
    assert check.status == "warning" and check.next_step.startswith(f"write {up} as up of this rig in rigs.tsv")
    # After the workflow has turned the world as it was told to.
    told = "-y"
    made = {name: camera.moved(upright_rotation(told), np.zeros(3)) for name, camera in turn(up).items()}
    (check,) = check_up("ring", made, told, turned=True)
    assert (check.status, up in check.sentence) == ("pass" if up == told else "warning", True)


def test_cameras_at_the_ceiling_say_nothing_of_what_is_up() -> None:
    down = np.diag([1.0, -1.0, -1.0])
    above = {
        f"c{index}": Camera(f"c{index}", (64, 48), np.eye(3), np.zeros(5), down, -down @ np.array([index * 100.0, 0, 900]))
        for index in range(3)
    }
    assert check_up("ring", above, "z", turned=False) == []
    assert check_up("ring", {}, "z", turned=False) == []


def test_a_world_of_boards_that_lies_on_its_side_has_another_remedy() -> None:
    (check,) = check_up("ring", turn("x"), "z", turned=False, given=False)
    assert "z is taken for up, but in the pictures of most cameras x points up" in check.sentence and "floor_frame" in check.next_step


def test_cameras_that_hardly_saw_the_board_are_named() -> None:
    seen = np.zeros((4, 20), bool)
    seen[0], seen[1, :15], seen[2, 10:], seen[3, 5] = True, True, True, False
    counts, shared = count_views(["a", "b", "c", "d"], seen)
    assert counts == {"a": 20, "b": 15, "c": 10, "d": 0} and shared["b", "c"] == 5 and shared["a", "d"] == 0
    checks = check_board_views("ring", counts, shared, of=20)
    assert [check.camera for check in checks if check.status == "warning"] == ["d", ""]
    assert "a and b 15" in checks[-1].sentence and "d are hardly tied to the others" in checks[-1].sentence
    assert all(check.status == "pass" for check in check_board_views("ring", {"a": 20, "b": 15}, {("a", "b"): 15}))


def test_a_given_calibration_is_looked_at_before_and_after_the_workflow(study_folder) -> None:
    study = load_study(folder=study_folder)
    (check,) = examine_rig(study, "rig")
    assert (check.status, check.what) == ("pass", "up")
    (study_folder / "config/rigs.tsv").write_text("rig\tunits\tcalibration\tup\nrig\tmm\trig.toml\ty\n")
    (study_folder / "results/calibration/rig.toml").unlink()
    assert "write z as up of this rig" in find(examine_rig(load_study(folder=study_folder), "rig"), "warning")[0]
