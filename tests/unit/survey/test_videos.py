import base64
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from bkind3d.cli import main
from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.crops import View, parse_crop
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.video import VideoInfo
from bkind3d.survey.room import RoomFiles
from bkind3d.survey.silhouettes import decode_mask
from bkind3d.survey.videos import survey_size, survey_video


def film(n_frames: int = 20) -> list[np.ndarray]:
    """A bright square of 16 pixels that moves by 5 pixels a frame."""
    pictures = []
    for frame in range(n_frames):
        picture = np.full((96, 160, 3), (100, 110, 120), np.uint8)
        picture[40:56, 10 + 5 * frame : 26 + 5 * frame] = (250, 240, 60)
        pictures.append(picture)
    return pictures


def test_the_survey_follows_what_moves(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    video = write_video(tmp_path / "cam1.mp4", film(), rate=20)
    survey_video(video, SurveyConfig(), tmp_path / "s.parquet")
    table, metadata = read_table(tmp_path / "s.parquet", "survey"), read_metadata(tmp_path / "s.parquet")
    assert table["frame"].tolist() == table["video_frame"].tolist() == list(range(20))
    assert table["time_s"].to_numpy() == pytest.approx(np.arange(20) / 20)
    assert table["centroid_x"].to_numpy() == pytest.approx(17.5 + 5 * np.arange(20), abs=1)
    assert table["centroid_y"].to_numpy() == pytest.approx(np.full(20, 47.5), abs=1)
    assert table["area"].to_numpy() == pytest.approx(np.full(20, 256), rel=0.25)
    assert (table["box_x1"] - table["box_x0"]).to_numpy() == pytest.approx(np.full(20, 15), abs=3)
    assert (table["fault"] == "").all()
    assert table["motion"].iloc[0] == 0
    assert (table["motion"].iloc[1:] > 0.3).all()
    assert all(np.allclose(row.clusters[:2], [row.area, row.centroid_x]) for row in table.itertuples())
    expected = {"width": 160, "height": 96, "video_width": 160, "video_height": 96, "rate": 20, "n_frames": 20, "video": "cam1.mp4"}
    assert {key: metadata[key] for key in expected} == expected
    mask = decode_mask(table["mask"][3])
    assert mask.shape == (96, 160)
    assert mask[48, 33] == 255
    assert mask[48, 60] == 0
    background = cv2.imdecode(np.frombuffer(base64.b64decode(metadata["background"]), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(background[..., ::-1].astype(int) - (100, 110, 120)).max() < 8


def test_a_video_of_several_files_is_surveyed_as_one(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    pictures, parts = film(), ((0, 7), (7, 14), (14, 20))
    files = [write_video(tmp_path / f"{first}.mp4", pictures[first:end], rate=20) for first, end in parts]
    frame_map = tmp_path / "map.csv"
    frame_map.write_text("frame,video_frame\n" + "".join(f"{number - 5},{number}\n" for number in range(5, 20)))
    survey_video(files, SurveyConfig(), tmp_path / "s.parquet", frame_map)
    table, metadata = read_table(tmp_path / "s.parquet", "survey"), read_metadata(tmp_path / "s.parquet")
    assert (metadata["n_frames"], metadata["video"]) == (20, "0.mp4 and 2 more")
    assert table["video_frame"].tolist() == list(range(5, 20))
    assert table["time_s"].to_numpy() == pytest.approx(np.arange(15) / 20)
    assert table["centroid_x"].to_numpy() == pytest.approx(17.5 + 5 * np.arange(5, 20), abs=1)
    assert (table["fault"] == "").all()


def test_faults_are_named(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    pictures = film()
    pictures[5][:] = 0
    pictures[9] = pictures[8].copy()
    pictures[10] = pictures[8].copy()
    pictures[11] = pictures[8].copy()
    video = write_video(tmp_path / "cam1.mp4", pictures)
    survey_video(video, SurveyConfig(), tmp_path / "s.parquet")
    table = read_table(tmp_path / "s.parquet", "survey")
    assert table["fault"][5] == "black"
    assert table["area"][5] == 0
    assert "frozen" in set(table["fault"][9:12])
    assert (table["fault"].drop([5, 9, 10, 11]) == "").all()


def test_frames_in_which_the_camera_is_blocked_are_named(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    rows, columns = np.mgrid[:96, :160]
    floor = np.stack([100 + 40 * np.sin(columns / 5), 110 + 30 * np.cos(rows / 7), 90 + 0 * rows], axis=-1)
    pictures = []
    for frame, picture in enumerate(film()):
        shown = np.where((picture == (100, 110, 120)).all(axis=-1, keepdims=True), floor, picture)
        pictures.append((70 + frame + 0 * floor if 8 <= frame < 12 else shown).astype(np.uint8))
    survey_video(write_video(tmp_path / "cam1.mp4", pictures), SurveyConfig(), tmp_path / "s.parquet")
    table = read_table(tmp_path / "s.parquet", "survey")
    assert table["fault"].tolist() == [""] * 8 + ["covered"] * 4 + [""] * 8
    assert (table["area"][8:12] == 0).all()
    assert (table["area"].drop(range(8, 12)) > 100).all()


def test_a_part_of_a_video_keeps_its_frame_numbers(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    video = write_video(tmp_path / "cam1.mp4", film())
    survey_video(video, SurveyConfig(), tmp_path / "s.parquet", start=3, stop=19)
    table = read_table(tmp_path / "s.parquet", "survey")
    assert table["frame"].tolist() == list(range(3, 19))
    assert table["centroid_x"].to_numpy() == pytest.approx(17.5 + 5 * np.arange(3, 19), abs=1)


def test_the_sheet_may_know_the_rate_better_than_the_file(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    video = write_video(tmp_path / "cam1.mp4", film(), rate=20)
    survey_video(video, SurveyConfig(), tmp_path / "s.parquet", start=3, rate=50)
    assert read_table(tmp_path / "s.parquet", "survey")["time_s"].to_numpy() == pytest.approx(np.arange(17) / 50)
    assert read_metadata(tmp_path / "s.parquet")["rate"] == 50
    (tmp_path / "map.tsv").write_text("video_frame\ttime_s\n" + "".join(f"{frame}\t{frame / 25}\n" for frame in range(20)))
    survey_video(video, SurveyConfig(), tmp_path / "s.parquet", tmp_path / "map.tsv", rate=24)
    assert read_metadata(tmp_path / "s.parquet")["rate"] == 25  # times of a frame map say it themselves


def test_frames_that_a_camera_dropped_are_missing(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    video = write_video(tmp_path / "cam1.mp4", film(), rate=20)
    rows = "".join(f"{frame if frame < 4 else frame + 2}\t{frame}\n" for frame in range(20))
    (tmp_path / "map.tsv").write_text("frame\tvideo_frame\n" + rows)
    survey_video(video, SurveyConfig(), tmp_path / "s.parquet", tmp_path / "map.tsv")
    table = read_table(tmp_path / "s.parquet", "survey")
    assert len(table) == 22
    assert (table["fault"][4:6] == "missing").all()
    assert table["video_frame"][3:7].tolist() == [3, -1, -1, 4]
    assert table["centroid_x"][6] == pytest.approx(17.5 + 5 * 4, abs=1)
    assert table["time_s"].is_monotonic_increasing


def test_a_long_video_is_surveyed_like_a_short_one(
    tmp_path: Path, write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [picture for _ in range(15) for picture in film()]
    video = write_video(tmp_path / "cam1.mp4", pictures, codec_options={"g": "7", "bf": "2", "preset": "medium"})
    tables = {}
    for name, held in (("short", 256_000_000), ("long", 3 * 96 * 160 * 50)):
        monkeypatch.setattr("bkind3d.survey.videos._HELD", held)
        survey_video(video, SurveyConfig(background_frames=60), tmp_path / f"{name}.parquet")
        tables[name] = read_table(tmp_path / f"{name}.parquet", "survey")
    assert tables["long"]["frame"].tolist() == list(range(300))
    assert tables["long"]["centroid_x"].to_numpy() == pytest.approx(tables["short"]["centroid_x"].to_numpy(), abs=0.5)
    assert tables["long"]["time_s"].to_numpy() == pytest.approx(np.arange(300) / 30)


def test_a_mask_says_where_the_subject_may_be(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    drawn = np.zeros((96, 160), np.uint8)
    drawn[:, :60] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), drawn)
    survey_video(write_video(tmp_path / "cam1.mp4", film()), SurveyConfig(), tmp_path / "s.parquet", room=RoomFiles(tmp_path / "mask.png"))
    table = read_table(tmp_path / "s.parquet", "survey")
    assert (table["area"][:6] > 0).all()
    assert (table["area"][11:] == 0).all()


def test_large_videos_are_shrunk_and_small_ones_are_not() -> None:
    info = VideoInfo(1280, 1024, 30, 100, "h264", 0)
    assert survey_size(info, 480) == (480, 384)
    assert survey_size(info, 4000) == (1280, 1024)


def test_nothing_is_written_for_a_broken_video(tmp_path: Path) -> None:
    (tmp_path / "cam1.mp4").touch()
    with pytest.raises(InputError, match="empty"):
        survey_video(tmp_path / "cam1.mp4", SurveyConfig(), tmp_path / "out" / "s.parquet")
    assert not (tmp_path / "out").exists()


def test_a_real_persons_trunk_is_in_the_silhouette_although_it_hardly_moves(real_data: Path, tmp_path: Path) -> None:
    from bkind3d.data.calibration_files import read_calibration
    from bkind3d.data.joint_files import read_joints
    from bkind3d.geometry.lenses import project_through_lens

    folder = real_data / "pose2sim_single"
    survey_video(folder / "videos" / "cam04.mp4", SurveyConfig(), tmp_path / "s.parquet")
    table = read_table(tmp_path / "s.parquet", "survey")
    camera = read_calibration(folder / "Calib_qualisys.toml")[0]["cam_04"].resized((181, 320))
    joints = read_joints(folder / "pose-3d" / "S00_P00_T01_BalancingTrial_0-100.trc", "m", "ZXY")
    covered = []
    for frame, points in joints.groupby("frame"):
        mask = cv2.dilate(decode_mask(table["mask"][frame]), np.ones((7, 7), np.uint8))
        pixels = project_through_lens(camera, points[["x", "y", "z"]].to_numpy()).round().astype(int)
        covered.append(mask[pixels[:, 1], pixels[:, 0]] > 0)
    assert np.mean(covered) > 0.95
    # And it is no blob: a person fills about a twelfth of the picture.
    assert table["area"].median() < 0.13 * 181 * 320


def test_views_of_one_video_are_surveyed_side_by_side_as_each_alone(tmp_path, write_video, capsys):
    pictures = film()
    height, width = pictures[0].shape[:2]
    video = write_video(tmp_path / "both.mp4", [np.concatenate([picture, picture[:, ::-1]]) for picture in pictures])
    crops = {"direct": f"0,0,{width},{height}", "mirror": f"0,{height},{width},{height},flip"}
    (tmp_path / "survey.json").write_text("{}")
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((9, 90), 255, np.uint8))
    options = ["survey-views", str(video), "--config", str(tmp_path / "survey.json"), "--stop", "20", "--keep-going"]
    options += [
        "--views",
        *(f"{name}={crop}" for name, crop in crops.items()),
        "--outputs",
        *(f"{name}={tmp_path}/{name}.parquet" for name in crops),
    ]
    assert main(options) == 0
    for name, crop in crops.items():
        alone = tmp_path / "alone.parquet"
        survey_video(View((video,), parse_crop(crop, "")), SurveyConfig(), alone, stop=20)
        pd.testing.assert_frame_equal(read_table(tmp_path / f"{name}.parquet", "survey"), read_table(alone, "survey"))
        assert read_metadata(tmp_path / f"{name}.parquet") == read_metadata(alone)
    # What is wrong with one view costs the other nothing.
    capsys.readouterr()
    assert main([*options, "--masks", f"mirror={tmp_path}/mask.png"]) == 0
    assert "mask.png: is 90x9, the video" in capsys.readouterr().out
    assert read_metadata(tmp_path / "mirror.parquet")["failed"]
    assert len(read_table(tmp_path / "direct.parquet", "survey")) == 20
    for wrong in (["--masks", "top=a.png"], ["--outputs", "direct=a.parquet"]):
        assert main([*options, *wrong]) == 2
