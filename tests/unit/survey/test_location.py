from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError, LocationConfig, SurveyConfig, parse_section
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.geometry.health import AGREED
from bkind3d.survey.location import explain_nothing, locate_subject, remark_others, remark_track
from bkind3d.survey.silhouettes import decode_mask, encode_mask
from bkind3d.survey.tracking import follow_subject
from bkind3d.survey.videos import survey_video
from tests.unit.survey.conftest import RADIUS, Scene, draw_ball, draw_floor
from tests.unit.survey.test_tracking import ELSEWHERE, TIMES, make_candidates, walk

CONFIG = LocationConfig(smooth_seconds=0.05)
#: Metadata of a survey that its readers need.
KEPT = ("width", "height", "video_width", "video_height", "rate")


def test_the_ball_is_located_in_every_frame(scene: Scene) -> None:
    output = scene.folder / "location.parquet"
    locate_subject(CONFIG, scene.calibration, scene.surveys, output)
    table, metadata = read_table(output, "location"), read_metadata(output)
    assert table["valid"].all()
    assert np.linalg.norm(table[["x", "y", "z"]].to_numpy() - scene.track, axis=1).max() < 0.1 * RADIUS
    assert (table["n_views"] == 3).all()
    assert table["residual"].max() < 0.01
    assert 2 * RADIUS < metadata["extent"] < 2.5 * RADIUS
    assert metadata["units"] == "mm"
    assert metadata["valid"] == 1


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


def film_balls(scene: Scene, write_video: Callable[..., Path], tracks: list[np.ndarray]) -> None:
    """Film the scene anew with a ball on every track (none: only the floor), and survey it."""
    generator = np.random.default_rng(7)
    for index, (name, camera) in enumerate(scene.cameras.items()):
        pictures = []
        for frame in range(len(scene.track)):
            picture = draw_floor(camera, index)
            for track, colour in zip(tracks, ((200, 60, 40), (40, 60, 200)), strict=False):
                draw_ball(picture, camera, track[frame], colour)
            pictures.append(np.clip(picture + generator.normal(0, 2, picture.shape), 0, 255).astype(np.uint8))
        survey_video(write_video(scene.videos[name], pictures), SurveyConfig(), scene.surveys[name])


def test_where_there_is_no_subject_that_is_told(scene: Scene, write_video: Callable[..., Path]) -> None:
    film_balls(scene, write_video, [])
    check_refused(scene, "cam1, cam2, cam3: nothing moves in any frame.*no subject, or it never moves")


def test_a_subject_that_never_moves_is_told(scene: Scene, write_video: Callable[..., Path]) -> None:
    film_balls(scene, write_video, [np.tile(scene.track[:1], (len(scene.track), 1))])
    check_refused(scene, "nothing moves in any frame.*never moves and is taken for background")


def test_of_two_subjects_one_is_followed_and_the_other_named(scene: Scene, write_video: Callable[..., Path]) -> None:
    other = -scene.track * [1, 1, -1]
    film_balls(scene, write_video, [scene.track, other])
    output = scene.folder / "location.parquet"
    (remark,) = locate_subject(CONFIG, scene.calibration, scene.surveys, output)
    assert "two subjects move, and one is supported" in remark
    assert read_metadata(output)["remarks"] == [remark]
    found = read_table(output, "location")[["x", "y", "z"]].to_numpy()
    distances = [np.linalg.norm(found - track, axis=1) for track in (scene.track, other)]
    assert min(distance.max() for distance in distances) < RADIUS, "one of them throughout, never now this and now that one"


def test_a_region_says_which_of_two_is_the_subject(scene: Scene, write_video: Callable[..., Path]) -> None:
    still = np.tile([[-150.0, -150, RADIUS]], (len(scene.track), 1)) + 30 * np.sin(np.arange(len(scene.track)))[:, None] * [1, 0, 0]
    track = np.tile([[200.0, 100, RADIUS]], (len(scene.track), 1)) + 60 * np.cos(np.arange(len(scene.track)) / 4)[:, None] * [0, 1, 0]
    film_balls(scene, write_video, [still, track])
    output = scene.folder / "location.parquet"
    for region, truth in ((((0, -500, -100), (500, 500, 500)), track), (((-500, -500, -100), (0, 500, 500)), still)):
        locate_subject(CONFIG.model_copy(update={"region": region}), scene.calibration, scene.surveys, output)
        table = read_table(output, "location")
        assert table["valid"].mean() > 0.8
        distances = np.linalg.norm(table[["x", "y", "z"]].to_numpy() - truth, axis=1)[table["valid"]]
        assert np.median(distances) < 0.6 * RADIUS


def test_an_empty_region_is_refused() -> None:
    with pytest.raises(InputError, match="is empty; write its lowest corner first"):
        parse_section(LocationConfig, {"region": [[0, 0, 0], [1, -1, 1]]}, "location.json")


def test_cameras_that_are_blocked_in_turn_leave_no_gap(scene: Scene) -> None:
    for name, frames in (("cam1", slice(3, 12)), ("cam3", slice(15, 24))):
        table, metadata = read_table(scene.surveys[name], "survey"), read_metadata(scene.surveys[name])
        table.loc[frames.start : frames.stop - 1, ["box_x0", "box_y0", "box_x1", "box_y1"]] = np.nan
        for frame in range(*frames.indices(len(table))):
            table.at[frame, "clusters"], table.at[frame, "area"], table.at[frame, "mask"] = (
                [],
                0.0,
                encode_mask(np.zeros((144, 192), np.uint8)),
            )
        write_table(table, "survey", scene.surveys[name], {key: metadata[key] for key in metadata if key not in ("table", "version")})
    locate_subject(CONFIG, scene.calibration, scene.surveys, scene.folder / "location.parquet")
    table = read_table(scene.folder / "location.parquet", "location")
    assert table["valid"].all()
    assert table["n_views"].tolist() == [3] * 3 + [2] * 9 + [3] * 3 + [2] * 9 + [3] * 6
    assert np.linalg.norm(table[["x", "y", "z"]].to_numpy() - scene.track, axis=1).max() < 0.15 * RADIUS


def check_refused(scene: Scene, message: str, config: LocationConfig = CONFIG) -> None:
    with pytest.raises(InputError, match=message) as error:
        locate_subject(config, scene.calibration, scene.surveys, scene.folder / "out" / "location.parquet")
    assert "\n" not in str(error.value)
    assert not Path(scene.folder / "out").exists()


def make_table(points: np.ndarray, n_views: int | np.ndarray = 4) -> pd.DataFrame:
    table = pd.DataFrame(points, columns=["x", "y", "z"])
    return table.assign(n_views=n_views, valid=np.isfinite(points).all(axis=1))


def test_a_subject_that_walks_and_is_seen_needs_no_remark() -> None:
    assert remark_track(make_table(walk()), 4, 100.0, "mm") == []


def test_a_subject_that_keeps_its_place_is_remarked_on() -> None:
    (remark,) = remark_track(make_table(walk() * 0.05), 4, 100.0, "mm")
    assert "hardly leaves its place" in remark
    assert "\n" not in remark


def test_a_subject_that_is_seldom_seen_is_remarked_on_once() -> None:
    (remark,) = remark_track(make_table(walk(), np.arange(120) % 3), 4, 100.0, "mm")
    assert "1.0 of 4 cameras see it on average, and two agree in 33 % of the frames" in remark


def test_a_second_subject_is_named() -> None:
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, 2.0, 50.0))
    subject = follow_subject(candidates, TIMES)
    (remark,) = remark_others(candidates, subject, TIMES, np.ones((120, 2), bool), "mm")
    assert "two subjects move, and one is supported" in remark
    assert "around (0, 900, 0) mm in 100 % of the frames, seen by 2.0 cameras, 0.5 times as large" in remark


def test_somebody_who_passes_by_or_is_outside_of_the_region_is_not_named() -> None:
    support = np.zeros(120)
    support[:10] = 2.0
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, support, 50.0))
    assert remark_others(candidates, follow_subject(candidates, TIMES), TIMES, np.ones((120, 2), bool), "mm") == []
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, 2.0, 50.0))
    inside = candidates.points[..., 1] < 500
    assert remark_others(candidates, follow_subject(candidates, TIMES, inside), TIMES, inside, "mm") == []


def test_why_nothing_is_located_is_told() -> None:
    line = str(explain_nothing("rig.toml", {"cam1": 0, "cam2": 0, "cam3": 5}, LocationConfig()))
    assert line.startswith("camera cam1, cam2: nothing moves in any frame")
    assert "rig.toml: in no frame" in str(explain_nothing("rig.toml", {"cam1": 3, "cam2": 5}, LocationConfig()))


def test_silhouettes_that_the_views_do_not_agree_on_are_told(scene: Scene) -> None:
    table = read_table(scene.surveys["cam1"], "survey")
    for row, content in enumerate(table["mask"]):
        mask = decode_mask(content)
        rows = np.flatnonzero(mask.any(axis=1))
        mask[(rows.min() + rows.max()) // 2 :] = 0
        table.at[row, "mask"] = encode_mask(mask)
    write_table(table, "survey", scene.surveys["cam1"], {key: read_metadata(scene.surveys["cam1"])[key] for key in KEPT})
    output = scene.folder / "location.parquet"
    (remark,) = locate_subject(CONFIG, scene.calibration, scene.surveys, output)
    agreement = read_metadata(output)["agreement"]
    poor = [camera for camera, share in agreement.items() if share < AGREED]
    assert agreement["cam1"] > 0.9
    assert "the views do not agree on the silhouettes" in remark
    assert poor == [camera for camera in scene.cameras if camera in remark.split(":")[1]] != []


def test_a_fixed_centre_is_that_of_every_frame(scene: Scene) -> None:
    output, centre = scene.folder / "location.parquet", (1.0, 2.0, 3.0)
    locate_subject(LocationConfig(centre=centre), scene.calibration, scene.surveys, output)
    table = read_table(output, "location")
    assert table[["x", "y", "z"]].to_numpy().tolist() == [list(centre)] * 30
    assert table["valid"].all() and (table["n_views"] == 3).all()
