from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bkind3d.config import InputError, LocationConfig, SurveyConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.survey.location import locate_subject
from bkind3d.survey.videos import survey_video
from tests.unit.survey.conftest import RADIUS, Scene

CONFIG = LocationConfig(smooth_seconds=0.05)


def test_the_ball_is_located_in_every_frame(scene: Scene) -> None:
    output = scene.folder / "location.parquet"
    locate_subject(CONFIG, scene.calibration, scene.surveys, output)
    table, metadata = read_table(output, "location"), read_metadata(output)
    assert table["valid"].all()
    assert np.linalg.norm(table[["x", "y", "z"]].to_numpy() - scene.track, axis=1).max() < 0.1 * RADIUS
    assert (table["n_views"] == 3).all()
    assert table["residual"].max() < 0.01
    assert 2 * RADIUS < metadata["side"] < 3 * RADIUS
    assert metadata["units"] == "mm"
    assert metadata["valid"] == 1


def test_the_side_can_be_given(scene: Scene) -> None:
    locate_subject(LocationConfig(side=321), scene.calibration, scene.surveys, scene.folder / "location.parquet")
    assert read_metadata(scene.folder / "location.parquet")["side"] == 321


def test_a_camera_that_the_calibration_lacks_is_named(scene: Scene) -> None:
    write_calibration({name: scene.cameras[name] for name in ("cam1", "cam2")}, scene.calibration, "mm")
    check_refused(scene, "no camera 'cam3', only cam1, cam2")


def test_different_numbers_of_frames_are_told(scene: Scene) -> None:
    survey_video(scene.videos["cam2"], SurveyConfig(), scene.surveys["cam2"], stop=25)
    check_refused(scene, "cam1 30, cam2 25, cam3 30")


def test_different_frames_are_told(scene: Scene) -> None:
    for camera, (start, stop) in {"cam1": (0, 25), "cam2": (5, 30), "cam3": (0, 25)}.items():
        survey_video(scene.videos[camera], SurveyConfig(), scene.surveys[camera], start=start, stop=stop)
    check_refused(scene, "5 to 29 are not those of camera 'cam1'")


def test_another_size_than_calibrated_is_told(scene: Scene) -> None:
    wide = {name: replace(camera, size=(300, 144)) for name, camera in scene.cameras.items()}
    write_calibration(wide, scene.calibration, "mm")
    check_refused(scene, "300x144 pixels, the video has 192x144")


def test_a_calibration_at_twice_the_size_is_scaled_and_it_is_said(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    double = {name: camera.resized((384, 288)) for name, camera in scene.cameras.items()}
    write_calibration(double, scene.calibration, "mm")
    locate_subject(CONFIG, scene.calibration, scene.surveys, scene.folder / "location.parquet")
    table = read_table(scene.folder / "location.parquet", "location")
    assert np.linalg.norm(table[["x", "y", "z"]].to_numpy() - scene.track, axis=1).max() < 0.1 * RADIUS
    assert "camera cam2: calibrated at 384x288, video is 192x144: scaled" in caplog.text


def test_cameras_that_never_agree_are_refused(scene: Scene) -> None:
    check_refused(scene, "in no frame.*within 1e-09", LocationConfig(max_residual=1e-9))


def test_one_camera_is_not_enough(scene: Scene) -> None:
    scene.surveys.pop("cam1")
    scene.surveys.pop("cam2")
    check_refused(scene, "at least two cameras")


def check_refused(scene: Scene, message: str, config: LocationConfig = CONFIG) -> None:
    with pytest.raises(InputError, match=message) as error:
        locate_subject(config, scene.calibration, scene.surveys, scene.folder / "out" / "location.parquet")
    assert "\n" not in str(error.value)
    assert not Path(scene.folder / "out").exists()
