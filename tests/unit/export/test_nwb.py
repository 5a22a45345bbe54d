from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

pynwb = pytest.importorskip("pynwb")
pytest.importorskip("ndx_pose")

from bkind3d.config import InputError  # noqa: E402
from bkind3d.data.crops import Crop, Part  # noqa: E402
from bkind3d.export.nwb import write_session  # noqa: E402
from bkind3d.export.sessions import open_session  # noqa: E402
from bkind3d.study.opening import load_study  # noqa: E402
from tests.unit.export.conftest import (  # noqa: E402
    CAMERAS,
    FRAMES,
    LATE,
    NAMES,
    RATE,
    make_confidences,
    make_positions,
    project_with_opencv,
)


@pytest.fixture
def path(session, tmp_path):
    path = tmp_path / "out" / "s1.nwb"
    write_session(session, path)
    return path


def test_keypoints_are_read_back_in_metres(path):
    with pynwb.NWBHDF5IO(path, "r") as io:
        file = io.read()
        pose = file.processing["behavior"]["MultiCameraPoseEstimation"]
        assert list(pose.skeleton.nodes[:]) == NAMES
        assert pose.skeleton.edges[:].tolist() == [[0, 1], [1, 2], [2, 3]]
        assert pose.skeleton.subject is file.subject
        for index, name in enumerate(NAMES):
            series = pose.pose_estimation_series[name]
            assert (series.unit, series.conversion, series.rate, series.starting_time) == ("meters", 1.0, RATE, 0.0)
            np.testing.assert_allclose(series.data[:], make_positions()[:, index] / 100, rtol=1e-6)
            np.testing.assert_array_equal(series.confidence[:], make_confidences()[:, index])
        assert file.session_start_time == datetime.fromisoformat("2026-05-31T14:30:00+02:00")
        assert (file.subject.subject_id, file.subject.species, file.subject.age) == ("m1", "Mus musculus", "P90D")
        assert "abc" in pose.scorer


def test_a_calibration_without_scale_is_in_no_metres(session, tmp_path):
    from dataclasses import replace

    write_session(replace(session, units="arbitrary"), tmp_path / "s1.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "s1.nwb", "r") as io:
        pose = io.read().processing["behavior"]["MultiCameraPoseEstimation"]
        series = pose.pose_estimation_series[NAMES[0]]
        assert series.unit == "arbitrary units"
        np.testing.assert_allclose(series.data[:], make_positions()[:, 0], rtol=1e-6)
        assert all(
            "metres" not in view.device.description and "meters" not in view.device.description for view in pose.pose_estimations.values()
        )


def test_cameras_of_the_file_project_its_keypoints_to_the_right_pixels(path, session):
    with pynwb.NWBHDF5IO(path, "r") as io:
        pose = io.read().processing["behavior"]["MultiCameraPoseEstimation"]
        metres = np.stack([pose.pose_estimation_series[name].data[:] for name in NAMES], axis=1)
        for name, camera in CAMERAS.items():
            view = pose.pose_estimations[name]
            given = replace(
                camera,
                matrix=view.device.intrinsic_matrix[:].astype(float),
                rotation=view.device.rotation_matrix[:].astype(float),
                translation=view.device.translation_vector[:].astype(float),
                distortion=view.device.distortion_coefficients[:].astype(float),
            )
            np.testing.assert_allclose(project_with_opencv(given, metres), project_with_opencv(camera, make_positions()), atol=5e-3)


def test_the_camera_of_a_part_of_a_picture_is_given_for_the_whole_which_the_linked_video_shows(session, tmp_path):
    camera = session.views["cam1"].camera
    crop = Crop(5, 7, *camera.size, flip=True)
    views = {**session.views, "cam1": replace(session.views["cam1"], part=Part(crop, (200, 150)))}
    write_session(replace(session, views=views), tmp_path / "part.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "part.nwb", "r") as io:
        view = io.read().processing["behavior"]["MultiCameraPoseEstimation"].pose_estimations["cam1"]
        given = replace(camera, matrix=view.device.intrinsic_matrix[:].astype(float))
        assert list(view.source_video.dimension[:]) == [200, 150]
    expected = crop.place(project_with_opencv(camera, make_positions()))
    np.testing.assert_allclose(project_with_opencv(given, make_positions()), expected, atol=5e-3)


def test_videos_are_linked_relative_to_the_file_and_start_when_they_did(path, study_folder):
    with pynwb.NWBHDF5IO(path, "r") as io:
        pose = io.read().processing["behavior"]["MultiCameraPoseEstimation"]
        for name, late in (("cam1", 0), ("cam2", LATE)):
            video = pose.pose_estimations[name].source_video
            assert (path.parent / video.external_file[0]).resolve() == (study_folder / "rec" / "s1" / f"{name}.mp4").resolve()
            assert (video.rate, video.num_samples, video.starting_time) == (RATE, FRAMES - late, late / RATE)
            assert list(video.dimension[:]) == list(CAMERAS[name].size)


def test_nwbinspector_finds_no_error(path):
    inspector = pytest.importorskip("nwbinspector")
    found = list(inspector.inspect_nwbfile(nwbfile_path=path))
    worst = [message for message in found if message.importance.value >= inspector.Importance.BEST_PRACTICE_VIOLATION.value]
    assert worst == []
    assert pynwb.validate(path=str(path)) in ([], None)


def test_nwbinspector_finds_no_error_where_the_sheet_says_nothing_of_the_subject(study_folder, tmp_path, caplog):
    inspector = pytest.importorskip("nwbinspector")
    sheet = study_folder / "config" / "sessions.tsv"
    sheet.write_text("session\tsubject\trig\tsplit\ns1\tm1\tbox\ttrain\ns2\tm2\tbox\t\n")
    write_session(open_session(load_study(folder=study_folder), "one", "s1"), tmp_path / "s1.nwb")
    found = inspector.inspect_nwbfile(nwbfile_path=tmp_path / "s1.nwb")
    errors = [message for message in found if message.importance.value > inspector.Importance.BEST_PRACTICE_VIOLATION.value]
    assert errors == []
    assert "has no species, no sex, no age" in caplog.text
    assert "the date of the file" in caplog.text


def test_irregular_times_are_stored_once(session, tmp_path):
    session.keypoints.times[10:] += 0.5
    write_session(session, tmp_path / "s1.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "s1.nwb", "r") as io:
        series = io.read().processing["behavior"]["MultiCameraPoseEstimation"].pose_estimation_series
        for name in NAMES:
            np.testing.assert_array_equal(series[name].timestamps[:], session.keypoints.times)


def test_a_date_that_is_none_is_refused_and_nothing_is_written(study_folder, tmp_path):
    sheet = study_folder / "config" / "sessions.tsv"
    sheet.write_text(sheet.read_text().replace("2026-05-31T14:30:00+02:00", "last Tuesday"))
    with pytest.raises(InputError, match=r"session 's1': session_start_time 'last Tuesday' is no date; write it as 2026-"):
        write_session(open_session(load_study(folder=study_folder), "one", "s1"), tmp_path / "out" / "s1.nwb")
    assert not (tmp_path / "out").exists()


def test_every_file_of_a_camera_is_linked_with_its_first_frame(session, tmp_path, write_video):
    picture = np.zeros((64, 96, 3), np.uint8)
    files = [write_video(tmp_path / f"{number}.mp4", [picture] * length) for number, length in enumerate((9, 7, 4))]
    session.views["cam1"].files[:] = files
    path = tmp_path / "out" / "s1.nwb"
    write_session(session, path)
    with pynwb.NWBHDF5IO(path, "r") as io:
        video = io.read().acquisition["video_cam1"]
        assert [str((path.parent / link).resolve()) for link in video.external_file[:]] == [str(file) for file in files]
        assert video.starting_frame[:].tolist() == [0, 9, 16]
