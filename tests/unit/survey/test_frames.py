from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from bkind3d.config import FramesConfig, InputError, LocationConfig, SurveyConfig
from bkind3d.data import parquet
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.crops import Crop, View
from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.video import decode_frames
from bkind3d.survey.cube import measure_cube
from bkind3d.survey.frames import FrameSources, extract_frames, keep_central, window_matrix, window_side
from bkind3d.survey.location import locate_subject
from bkind3d.survey.videos import survey_video
from tests.unit.survey.conftest import RADIUS, Scene, make_camera

PROJECTION = [f"p{row}{column}" for row in range(3) for column in range(4)]


def extract(scene: Scene, camera: str, config: FramesConfig) -> pd.DataFrame:
    location = scene.folder / "location" / "ball.parquet"
    if not location.exists():
        locate_subject(LocationConfig(smooth_seconds=0), scene.calibration, scene.surveys, location)
    output = scene.folder / "frames" / f"{camera}.parquet"
    cube = scene.folder / "cube.json"
    measure_cube(LocationConfig(), {"ball": location}, cube)
    sources = FrameSources(scene.videos[camera], scene.calibration, scene.surveys[camera], location, cube)
    extract_frames(sources, camera, config, output)
    return read_table(output, "frames")


def decode(content: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def find_red(picture: np.ndarray) -> np.ndarray:
    """Centroid (x, y) of the ball's colour."""
    weight = np.clip(picture[..., 0].astype(float) - picture[..., 2] - 60, 0, None)
    rows, columns = np.indices(weight.shape)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.mark.parametrize("config", [FramesConfig(size=48), FramesConfig(size=16, margin=2), FramesConfig(size=200, margin=1.2)])
def test_the_true_centre_projects_onto_the_ball_of_the_window(scene: Scene, config: FramesConfig) -> None:
    side = round(config.size * config.margin)
    for camera in scene.cameras:
        table = extract(scene, camera, config)
        assert table["valid"].all()
        assert (table["width"] == side).all()
        for row, centre in zip(table.itertuples(), scene.track, strict=True):
            picture, mask = decode(row.image), cv2.imdecode(np.frombuffer(row.mask, np.uint8), cv2.IMREAD_GRAYSCALE)
            assert picture.shape == (side, side, 3)
            assert mask.shape == (side, side)
            projection = np.array([getattr(row, name) for name in PROJECTION]).reshape(3, 4)
            x, y, depth = projection @ [*centre, 1]
            scale = config.size / 48
            assert np.abs(find_red(picture) - [x / depth, y / depth]).max() < 0.5 * max(1, scale)
            rows, columns = np.nonzero(mask)
            assert np.abs([columns.mean() - x / depth, rows.mean() - y / depth]).max() < max(1, scale)
            assert set(np.unique(mask)) == {0, 255}


@pytest.mark.parametrize(("size", "scaled"), [((384, 288), True), ((300, 144), False)])
def test_a_calibration_at_another_size_is_scaled_where_the_aspect_agrees(
    scene: Scene, size: tuple[int, int], scaled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    config = FramesConfig(size=48, step=10)
    before = extract(scene, "cam2", config)
    cameras = {name: camera.resized(size) if scaled else replace(camera, size=size) for name, camera in scene.cameras.items()}
    write_calibration(cameras, scene.calibration, "mm")
    if not scaled:
        with pytest.raises(InputError, match="'cam2'.*300x144 pixels, the video has 192x144; the aspect differs"):
            extract(scene, "cam2", config)
        return
    after = extract(scene, "cam2", config)
    assert np.allclose(after[PROJECTION], before[PROJECTION])
    assert "camera cam2: calibrated at 384x288, video is 192x144: scaled" in caplog.text


def test_metadata_tell_what_the_pictures_are(scene: Scene) -> None:
    table = extract(scene, "cam2", FramesConfig(size=32, step=4))
    assert table["frame"].tolist() == list(range(0, 30, 4))
    assert np.abs(table[["x", "y", "z"]].to_numpy() - scene.track[::4]).max() < 0.1 * RADIUS
    metadata = read_metadata(scene.folder / "frames" / "cam2.parquet")
    expected = {"size": 32, "margin": 1.5, "window": "subject", "camera": "cam2", "session": "ball", "units": "mm", "rate": 30, "step": 4}
    assert {key: metadata[key] for key in expected} == expected
    place = read_metadata(scene.folder / "location" / "ball.parquet")
    assert (metadata["side"], metadata["agreement"]) == (
        read_cube(scene.folder / "cube.json", "mm"),
        place["agreement"][metadata["camera"]],
    )


def test_another_version_of_the_package_writes_the_same_frames(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is known by the hash of this file."""
    written = []
    for version in ("0.1.0", "9.9.9"):
        monkeypatch.setattr(parquet, "__version__", version)
        extract(scene, "cam2", FramesConfig(size=32, step=4))
        written.append((scene.folder / "frames" / "cam2.parquet").read_bytes())
    assert written[0] == written[1]
    location = scene.folder / "location" / "again.parquet"
    locate_subject(LocationConfig(smooth_seconds=0), scene.calibration, scene.surveys, location)
    assert read_metadata(location)["version"] == "9.9.9"


def test_the_cube_spans_the_size_at_its_centre() -> None:
    camera, config = make_camera("a", [900.0, 200, 500]), FramesConfig(size=64)
    centre = np.array([40.0, -30, 60])
    projection = window_matrix(camera, config, centre, 240) @ np.concatenate([camera.rotation, camera.translation[:, None]], axis=1)
    middle, right = (projection @ [*point, 1] for point in (centre, centre + 120 * camera.rotation[0]))
    assert middle[:2] / middle[2] == pytest.approx([47.5, 47.5])
    assert right[:2] / right[2] == pytest.approx([47.5 + 32, 47.5])


def test_a_fixed_window_shows_the_whole_picture(scene: Scene) -> None:
    config = FramesConfig(window="fixed", size=96, margin=1.25)
    table = extract(scene, "cam1", config)
    assert table[PROJECTION].drop_duplicates().shape[0] == 1
    matrix = window_matrix(scene.cameras["cam1"], config, np.zeros(3), 1)
    # The picture's middle is the window's, and 192 pixels became 96.
    ray = np.linalg.inv(scene.cameras["cam1"].matrix) @ [95.5, 71.5, 1]
    assert (matrix @ ray)[:2] == pytest.approx(np.full(2, (window_side(config) - 1) / 2))
    assert matrix[0, 0] == pytest.approx(scene.cameras["cam1"].matrix[0, 0] / 2)
    for row, centre in zip(table.itertuples(), scene.track, strict=True):
        x, y, depth = np.array([getattr(row, name) for name in PROJECTION]).reshape(3, 4) @ [*centre, 1]
        assert np.abs(find_red(decode(row.image)) - [x / depth, y / depth]).max() < 0.5


def test_a_frame_without_location_is_empty_and_invalid(scene: Scene) -> None:
    extract(scene, "cam1", FramesConfig(size=32))
    path = scene.folder / "location" / "ball.parquet"
    location, metadata = read_table(path, "location"), read_metadata(path)
    location.loc[4, ["x", "y", "z"]] = np.nan
    location.loc[4, "valid"] = False
    # Here the subject leaves the picture of camera 1, but not the arena.
    location.loc[6, ["x", "y", "z"]] = [900.0, 900.0, 0.0]
    write_table(location, "location", path, {key: metadata[key] for key in ("extent", "units", "valid", "rate")})
    table = extract(scene, "cam1", FramesConfig(size=32))
    assert table["valid"].tolist() == [index not in (4, 6) for index in range(30)]
    assert table["image"][4] == table["image"][6] == table["mask"][4] == b""
    assert len(table["image"][5]) > 100


def test_colours_are_kept(scene: Scene) -> None:
    picture = decode(extract(scene, "cam1", FramesConfig(size=48))["image"][0])
    assert picture[36, 36].astype(int) == pytest.approx([200, 60, 40], abs=15)


def test_wrong_input_is_refused_and_nothing_is_written(scene: Scene) -> None:
    extract(scene, "cam1", FramesConfig(size=32))
    location = scene.folder / "location" / "ball.parquet"
    output = scene.folder / "out" / "cam.parquet"

    def refuse(message: str, camera: str, **changes: Path) -> None:
        paths = {"video": scene.videos["cam1"], "calibration": scene.calibration, "survey": scene.surveys["cam1"], "location": location}
        paths["cube"] = scene.folder / "cube.json"
        with pytest.raises(InputError, match=message):
            extract_frames(FrameSources(**{**paths, **changes}), camera, FramesConfig(size=32), output)
        assert not list(output.parent.glob("*")) if output.parent.exists() else True

    refuse("no camera 'cam9'", "cam9")
    refuse("no such video", "cam1", video=scene.folder / "nowhere.mp4")
    short = read_table(location, "location").iloc[:20]
    write_table(short, "location", scene.folder / "short.parquet", {"units": "mm"})
    refuse(r"20 frames.*\(30\)", "cam1", location=scene.folder / "short.parquet")


def test_pieces_far_from_the_subject_are_dropped() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[25:35, 10:40] = 255
    expected = mask.copy()
    mask[0:8, 50:60] = 255
    assert np.array_equal(keep_central(mask, 20), expected)
    assert keep_central(np.zeros((60, 60), np.uint8), 20).max() == 0


def test_views_in_one_picture_are_surveyed_and_cut_as_if_each_camera_had_its_own_video(scene, write_video) -> None:
    own = {name: [frame.picture for frame in decode_frames(path)] for name, path in scene.videos.items()}
    # cam2 is seen in a mirror; all beside each other, in a picture with a border.
    own["cam2"] = [picture[:, ::-1] for picture in own["cam2"]]
    together = [np.pad(np.concatenate(row, axis=1), ((8, 4), (2, 0), (0, 0))) for row in zip(*own.values(), strict=True)]
    video = write_video(scene.folder / "all.mp4", together)
    crops = {name: Crop(2 + 192 * index, 8, 192, 144, name == "cam2") for index, name in enumerate(own)}
    cut = {}
    for name, crop in crops.items():
        cut[name] = scene.folder / f"{name}-part.parquet"
        survey_video(View((video,), crop), SurveyConfig(), cut[name])
    one, other = (
        {name: read_table(paths[name], "survey")[["area", "centroid_x", "centroid_y"]].to_numpy() for name in own}
        for paths in (scene.surveys, cut)
    )
    for name in own:
        assert one[name][:, 1:] == pytest.approx(other[name][:, 1:], abs=0.7)
    # Extraction reads from the survey which part it was of; cam1 is calibrated for the picture of all three, the others for their parts.
    whole = replace(scene.cameras["cam1"], size=(578, 156), matrix=scene.cameras["cam1"].matrix + [[0, 0, 2], [0, 0, 8], [0, 0, 0]])
    write_calibration({**scene.cameras, "cam1": whole}, scene.folder / "views.toml", "mm")
    location, cube = scene.folder / "s.parquet", scene.folder / "cube.json"
    locate_subject(LocationConfig(smooth_seconds=0), scene.folder / "views.toml", cut, location)
    measure_cube(LocationConfig(), {"s": location}, cube)
    found = read_table(location, "location")
    assert np.linalg.norm(found[["x", "y", "z"]].to_numpy() - scene.track, axis=1).max() < 12
    for name in ("cam1", "cam2"):
        pictures = []
        for source, survey, calibration in (
            (scene.videos[name], scene.surveys[name], scene.calibration), (str(video), cut[name], scene.folder / "views.toml")
        ):  # fmt: skip
            extract_frames(FrameSources(source, calibration, survey, location, cube), name, FramesConfig(), scene.folder / "frames.parquet")
            pictures.append(
                cv2.imdecode(np.frombuffer(read_table(scene.folder / "frames.parquet", "frames")["image"][7], np.uint8), 1).astype(float)
            )
        assert np.abs(pictures[0] - pictures[1]).mean() < 2
