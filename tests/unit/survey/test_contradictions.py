from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import FramesConfig, InputError, LocationConfig, SurveyConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.video import decode_frames
from bkind3d.geometry.cameras import Camera
from bkind3d.survey.contradictions import blame_seldom, find_trusted
from bkind3d.survey.cube import measure_cube
from bkind3d.survey.frames import FrameSources, extract_frames
from bkind3d.survey.location import locate_subject
from bkind3d.survey.videos import survey_video
from tests.unit.survey.conftest import Scene, draw_ball, draw_floor, make_track

CONFIG = LocationConfig(smooth_seconds=0.05)
FLIP = np.diag([1.0, -1, -1])


def locate(scene: Scene, surveys: dict[str, Path] | None = None) -> tuple[list[str], dict]:
    output = scene.folder / "location" / "ball.parquet"
    remarks = locate_subject(CONFIG, scene.calibration, surveys or scene.surveys, output)
    return remarks, read_metadata(output)


def turn(camera: Camera, degrees: float) -> Camera:
    """The camera turned about its own vertical axis."""
    rotation = cv2.Rodrigues(np.array([0, np.radians(degrees), 0]))[0] @ camera.rotation
    return replace(camera, rotation=rotation, translation=-rotation @ camera.centre)


def test_cameras_that_agree_are_not_blamed(scene: Scene) -> None:
    _, place = locate(scene)
    assert (place["contradictions"], place["left_out"], place["seen_by_two"]) == ([], {}, 1.0)


def test_a_mirrored_video_is_named_and_left_out(scene: Scene, write_video: Callable[..., Path]) -> None:
    mirrored = [frame.picture[:, ::-1].copy() for frame in decode_frames(scene.videos["cam2"])]
    survey_video(write_video(scene.videos["cam2"], mirrored), SurveyConfig(), scene.surveys["cam2"])
    remarks, place = locate(scene)
    assert remarks[0].startswith("camera cam2 is mirrored beside its calibration")
    assert place["left_out"] == {"cam2": 0}
    location, cube = scene.folder / "location" / "ball.parquet", scene.folder / "cube.json"
    measure_cube(CONFIG, {"ball": location}, cube)
    for camera, valid in (("cam1", 30), ("cam2", 0)):
        output = scene.folder / f"{camera}.parquet"
        sources = FrameSources([scene.videos[camera]], scene.calibration, scene.surveys[camera], location, cube)
        extract_frames(sources, camera, FramesConfig(size=32), output)
        assert read_table(output, "frames", ["valid"])["valid"].sum() == valid


def test_exchanged_videos_are_named(scene: Scene) -> None:
    exchanged = {"cam1": scene.surveys["cam2"], "cam2": scene.surveys["cam1"], "cam3": scene.surveys["cam3"]}
    with pytest.raises(InputError, match="cameras cam1 and cam2 seem to be exchanged .*cam1 as cam2, cam2 as cam1"):
        locate(scene, exchanged)


def test_one_video_under_two_names_is_named(scene: Scene) -> None:
    remarks, place = locate(scene, scene.surveys | {"cam2": scene.surveys["cam3"]})
    assert remarks[0].startswith("cameras cam2 and cam3 show the same video")
    assert len(place["left_out"]) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda camera: replace(camera, rotation=camera.rotation.T, translation=camera.centre), "the poses are camera to world"),
        (lambda camera: replace(camera, translation=camera.centre), "the translations are the cameras' positions"),
        (lambda camera: replace(camera, rotation=FLIP @ camera.rotation, translation=FLIP @ camera.translation), "the cameras' axes are OpenGL's"),
        (lambda camera: replace(camera, translation=-camera.translation), "the translations of the calibration have the wrong sign"),
        (lambda camera: replace(camera, rotation=cv2.Rodrigues(50 * cv2.Rodrigues(camera.rotation)[0])[0]), "no two cameras agree on what they see"),
    ],
)  # fmt: skip
def test_a_calibration_in_another_convention_is_refused_and_the_convention_named(scene: Scene, change: Callable, said: str) -> None:
    write_calibration({name: change(camera) for name, camera in scene.cameras.items()}, scene.calibration, "mm")
    with pytest.raises(InputError, match=said):
        locate(scene)


def test_a_camera_that_was_moved_since_is_named(scene: Scene) -> None:
    write_calibration(scene.cameras | {"cam2": turn(scene.cameras["cam2"], 10)}, scene.calibration, "mm")
    remarks, place = locate(scene)
    assert remarks[0] == "camera cam2 was moved since it was calibrated: calibrate again"
    assert place["left_out"] == {"cam2": 0}


def test_a_camera_that_is_moved_is_named_with_the_frame(scene: Scene, write_video: Callable[..., Path]) -> None:
    track, generator = make_track(70), np.random.default_rng(3)
    for index, (name, camera) in enumerate(scene.cameras.items()):
        floor, pictures = draw_floor(camera, index), []
        for frame, centre in enumerate(track):
            picture = floor.copy()
            draw_ball(picture, turn(camera, 4) if name == "cam2" and frame >= 40 else camera, centre)
            pictures.append(np.clip(picture + generator.normal(0, 2, picture.shape), 0, 255).astype(np.uint8))
        survey_video(write_video(scene.videos[name], pictures), SurveyConfig(), scene.surveys[name])
    remarks, place = locate(scene)
    assert remarks[0].startswith("camera cam2 was moved at about frame ")
    assert set(place["left_out"]) == {"cam2"}
    assert place["left_out"]["cam2"] == pytest.approx(40, abs=2)


def test_a_camera_that_seldom_agrees_is_told_with_its_shares() -> None:
    clusters, chosen = np.zeros((100, 4, 1, 7)), np.zeros((100, 4), np.int64)
    chosen[4:, 1], chosen[40:, 3] = -1, -1
    texts, never = blame_seldom(["cam1", "cam2", "cam3", "cam4"], clusters, chosen, ["before"])
    assert texts[0] == "before"
    assert "camera cam2 sees something in 100 % of the frames and agrees with the others in 4 %" in texts[1]
    assert "camera cam4" in texts[2]
    assert never == ["cam2"]


def test_the_largest_group_that_agrees_is_trusted() -> None:
    overlaps = np.full((4, 4), 0.3)
    overlaps[np.ix_([0, 2, 3], [0, 2, 3])] = 0.95
    np.fill_diagonal(overlaps, np.nan)
    assert find_trusted(overlaps) == [0, 2, 3]
    assert find_trusted(np.where(overlaps > 0.5, 0.3, overlaps)) == []
    assert find_trusted(np.full((3, 3), np.nan)) == [0, 1, 2], "nothing is known, and nobody is blamed"
