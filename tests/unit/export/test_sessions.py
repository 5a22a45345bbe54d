from dataclasses import replace

import numpy as np
import pandas as pd
import pynwb
import pytest

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, Part
from bkind3d.data.parquet import write_table
from bkind3d.export.formats import export_sessions
from bkind3d.export.sessions import open_session
from bkind3d.study.opening import load_study
from tests.unit.export.conftest import CAMERAS, FRAMES, LATE, LOST, NAMES, make_confidences, make_positions, project_with_opencv


def test_a_session_has_its_keypoints_names_skeleton_and_units(session):
    assert session.keypoints.names == NAMES
    assert session.skeleton == [(0, 1), (1, 2), (2, 3)]
    assert (session.units, session.rate) == ("cm", 25)
    np.testing.assert_array_equal(session.keypoints.positions, make_positions())
    assert session.count_views().tolist() == [1] * 3 + [2] * 2 + [0] * 2 + [2] * 13


def test_keypoints_are_projected_into_the_frames_of_each_video(session):
    for name, late in (("cam1", 0), ("cam2", LATE)):
        pixels, confidences = session.project(name)
        expected = project_with_opencv(CAMERAS[name], make_positions())[late:]
        np.testing.assert_allclose(pixels, expected, atol=1e-3)
        np.testing.assert_array_equal(confidences, make_confidences()[late:])
        assert len(pixels) == FRAMES - late
        assert np.isnan(pixels[np.array(LOST) - late]).all()


def test_views_in_one_picture_are_exported_in_pixels_of_the_whole_as_other_programs_show_it(session):
    pixels, _ = session.project("cam1")
    width, height = session.views["cam1"].camera.size
    for flip in (False, True):
        part = Part(Crop(5, 7, width, height, flip), (width + 20, height + 30))
        placed, _ = replace(session, views={"cam1": replace(session.views["cam1"], part=part)}).project("cam1")
        across = width - 1 - pixels[..., 0] if flip else pixels[..., 0]
        np.testing.assert_allclose(placed, np.stack([across + 5, pixels[..., 1] + 7], axis=-1), atol=1e-4)


def test_a_keypoint_behind_a_camera_has_no_pixels_and_no_confidence(study_folder, session):
    session.keypoints.positions[8, 1] = CAMERAS["cam1"].centre * 2
    pixels, confidences = session.project("cam1")
    assert np.isnan(pixels[8, 1]).all()
    assert confidences[8, 1] == 0
    assert np.isfinite(pixels[8, [0, 2, 3]]).all()


def test_an_export_before_there_are_keypoints_says_how_to_make_them(study_folder):
    with pytest.raises(
        InputError, match=r"s2\.parquet: session 's2' has no keypoints of experiment 'one' yet; make them first: bkind3d run"
    ):
        open_session(load_study(folder=study_folder), "one", "s2")


def test_a_calibration_without_a_camera_is_refused(study_folder):
    path = study_folder / "results" / "calibration" / "box.toml"
    path.write_text(path.read_text().replace('"cam2"', '"cam9"'))
    with pytest.raises(InputError, match="has no camera 'cam2', only cam1, cam9"):
        open_session(load_study(folder=study_folder), "one", "s1")


def test_joints_are_handed_over_as_keypoints_are(study_folder, tmp_path):
    with pytest.raises(InputError, match="no frame of the study has labelled joints; label some: bkind3d label"):
        export_sessions(load_study(folder=study_folder), ["one"], ["tidy"], ["s1"], tmp_path, "joints")
    table = pd.DataFrame({"frame": np.arange(20).repeat(2), "time_s": np.arange(20).repeat(2) / 25, "joint": ["nose", "tail"] * 20})
    table = table.assign(x=1.0, y=2.0, z=3.0, spread=0.5, reprojection_px=0.0)
    table.loc[table["frame"] == 4, ["x", "y", "z", "spread"]] = np.nan
    write_table(table, "found_joints", study_folder / "results/experiments/one/joints/s1.parquet", {"units": "cm", "session": "s1"})
    export_sessions(load_study(folder=study_folder), ["one"], ["tidy", "nwb"], ["s1"], tmp_path, "joints")
    written = pd.read_csv(tmp_path / "one/joints/tidy/s1.csv")
    assert set(written["keypoint"]) == {"nose", "tail"} and len(written) == 40
    assert written.loc[written["frame"] == 4, "x_cm"].isna().all()
    assert (written.loc[written["frame"] != 4, ["confidence", "spread_cm"]] == [1.0, 0.5]).all(axis=None)
    with pynwb.NWBHDF5IO(tmp_path / "one/joints/nwb/s1.nwb", "r") as io:
        estimation = io.read().processing["behavior"]["MultiCameraPoseEstimation"]
        assert "fit on labelled frames" in estimation.description
        assert set(estimation.pose_estimation_series) == {"nose", "tail"}
