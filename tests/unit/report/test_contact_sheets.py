import numpy as np
import pytest
from PIL import Image

from bkind3d.data.points import SessionKeypoints
from bkind3d.report.contact_sheets import CROP, SHARE, choose_rows, cut_crop, write_contact_sheets
from bkind3d.report.overlays import DARK
from bkind3d.report.views import View

FLAT = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])


def make_keypoints(n_frames, confidences):
    positions = np.zeros((n_frames, 1, 3), np.float32)
    times = np.arange(n_frames) / 10
    scalars = np.zeros((n_frames, 1), np.float32)
    return SessionKeypoints(
        ["k00"], np.arange(n_frames), times, positions, np.array(confidences, np.float32)[:, None], scalars, scalars, {}
    )


def test_every_keypoint_has_a_sheet_under_its_own_name(toy, tmp_path):
    toy.names = {"k01": "nose"}
    study = toy.write().open()
    study.config.experiments["tiny"] = study.config.experiments["tiny"].model_copy(
        update={"model": study.config.experiments["tiny"].model.model_copy(update={"n_keypoints": 5, "n_symmetric_pairs": 0})}
    )
    write_contact_sheets(study, "tiny", tmp_path / "sheets")
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == [f"k0{index}.jpg" for index in range(5)]
    sizes = {Image.open(path).size for path in (tmp_path / "sheets").iterdir()}
    assert len(sizes) == 1
    # Two sessions of five spread and two doubtful rows each.
    assert 14 * CROP < sizes.pop()[1] < 16 * CROP


def test_the_keypoint_is_in_the_middle_of_its_crop():
    picture = np.zeros((80, 80, 3), np.uint8)
    picture[50:53, 20:23] = (255, 0, 0)
    crop = cut_crop(View(picture, FLAT), np.array([21.0, 51.0, 1.0])).astype(int)
    red = (crop[..., 0] > 127) & (crop[..., 1] < 60)
    rows, columns = np.nonzero(red)
    assert rows.mean() == pytest.approx((CROP - 1) / 2, abs=0.6)
    assert columns.mean() == pytest.approx((CROP - 1) / 2, abs=0.6)
    # Three pixels of a view of which SHARE is shown.
    assert np.ptp(rows) == pytest.approx(3 * CROP / (SHARE * 80), abs=2)


def test_beyond_the_picture_and_behind_the_camera_it_is_dark():
    view = View(np.full((80, 80, 3), 255, np.uint8), FLAT)
    assert tuple(cut_crop(view, np.array([0.0, 40.0, 1.0]))[5, 5]) == DARK.ground
    assert tuple(cut_crop(view, np.array([0.0, 40.0, 1.0]))[5, -5]) == (255, 255, 255)
    assert (cut_crop(view, np.array([40.0, 40.0, -1.0])) == DARK.ground).all()


def test_rows_are_spread_over_the_session_and_then_show_the_least_certain_moments():
    confidences = np.full(100, 0.9)
    confidences[[37, 81]] = [0.1, 0.2]
    rows = choose_rows({"s": make_keypoints(100, confidences)}, 0)
    assert [row.index for row in rows] == [10, 30, 50, 70, 90, 37, 81]
    assert [row.doubtful for row in rows] == [False] * 5 + [True] * 2


def test_moments_without_the_subject_have_no_row():
    keypoints = make_keypoints(10, np.linspace(0.1, 1, 10))
    keypoints.positions[:8] = np.nan
    assert {row.index for row in choose_rows({"s": keypoints}, 0)} == {8, 9}
    keypoints.positions[:] = np.nan
    assert choose_rows({"s": keypoints}, 0) == []
