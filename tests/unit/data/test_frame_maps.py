from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.frame_maps import FrameMap, choose_frames


def test_without_a_map_frames_are_the_videos() -> None:
    assert choose_frames(3).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert choose_frames(10, start=4, stop=6).tolist() == [[4, 4], [5, 5]]


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".parquet"])
def test_a_map_says_what_is_shown_and_what_is_missing(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame({"frame": [0, 1, 3], "video_frame": [0, 1, 2]})
    path = tmp_path / f"map{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep="\t" if suffix == ".tsv" else ",", index=False)
    assert choose_frames(3, path).tolist() == [[0, 0], [1, 1], [2, -1], [3, 2]]
    assert choose_frames(3, path, 2, 6).tolist() == [[2, -1], [3, 2], [4, -1], [5, -1]]


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (-1, 5), (0, 11)])
def test_a_range_outside_of_the_video_is_refused(start: int, stop: int) -> None:
    with pytest.raises(InputError, match="10 frames"):
        choose_frames(10, None, start, stop)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"frame": [0], "shown": [0]}, "'video_frame' is missing"),
        ({"frame": [0, 0], "video_frame": [0, 1]}, "once"),
        ({"frame": [0, 1], "video_frame": [1, 0]}, "later frames"),
        ({"frame": [0, 1], "video_frame": [0, 9]}, "frames 0 to 4"),
        ({"frame": [0.5], "video_frame": [0]}, "whole numbers"),
        ({"frame": np.array([], int), "video_frame": np.array([], int)}, "at least one row"),
    ],
)
def test_a_wrong_map_is_refused(tmp_path: Path, columns: dict[str, list[float]], message: str) -> None:
    pd.DataFrame(columns).to_csv(tmp_path / "map.csv", index=False)
    with pytest.raises(InputError, match=message):
        choose_frames(5, tmp_path / "map.csv")


def test_a_missing_map_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere\.tsv: cannot be read"):
        choose_frames(5, "nowhere.tsv")


def test_times_on_a_shared_clock_pair_frames(tmp_path: Path) -> None:
    times = np.array([0.101, 0.133, 0.166, 0.268, 0.299, 0.301])  # started late, dropped two frames, filmed one moment twice
    path = tmp_path / "clock.csv"
    path.write_text("video_frame,time_s\n" + "".join(f"{number},{time}\n" for number, time in enumerate(times)))
    frames = choose_frames(6, path, rate=30)
    assert frames[:, 0].tolist() == list(range(10))
    assert frames[:, 1].tolist() == [-1, -1, -1, 0, 1, 2, -1, -1, 3, 5]


def test_times_since_1970_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "clock.csv"
    path.write_text("video_frame,time_s\n0,1700000000.0\n1,1700000000.033\n")
    with pytest.raises(InputError, match=r"clock\.csv: time_s goes from 1700000000\.0 .*subtract the same start"):
        choose_frames(2, path, rate=30)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0\t0\n9000000000000\t1\n", r"are 9,000,000,000,001 frames, more than a session can have"),
        ("0\t0\n18446744073709551615\t1\n", "have to be whole numbers"),
        ("0\t0\n99999999999999999999999\t1\n", "have to be whole numbers"),
        ("0\t0\n1e300\t1\n", "have to be whole numbers"),
        ("0\t0\n1\t1\t\0\n", "cannot be read as a table"),
    ],
)
def test_numbers_that_no_frame_has_are_refused_before_there_is_an_array(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "map.tsv").write_text(f"frame\tvideo_frame\n{rows}")
    with pytest.raises(InputError, match=message):
        choose_frames(30, tmp_path / "map.tsv")


def test_a_stop_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.tsv").write_text("frame\tvideo_frame\n0\t0\n")
    with pytest.raises(InputError, match="more than a session can have"):
        choose_frames(30, tmp_path / "map.tsv", stop=10**12)


def write_clock(path: Path, times: np.ndarray) -> Path:
    """A map by the clock."""
    path.write_text("video_frame,time_s\n" + "".join(f"{number},{time:.6f}\n" for number, time in enumerate(times)))
    return path


def test_a_camera_that_lost_frames_has_the_rate_of_the_session(tmp_path: Path) -> None:
    whole = np.arange(90) / 30
    lost = np.delete(whole, np.arange(30, 39))
    maps = {"a": write_clock(tmp_path / "a.csv", whole), "b": write_clock(tmp_path / "b.csv", lost)}
    # Its container, which counts 81 frames in 3 s, says 27 Hz.
    frames = choose_frames(81, FrameMap(maps["b"], "b", maps), rate=27)
    assert frames[60].tolist() == [60, 51]
    assert frames[:, 1].tolist() == [*range(30), *[-1] * 9, *range(30, 81)]
    assert choose_frames(90, FrameMap(maps["a"], "a", maps), rate=30)[:, 0].tolist() == frames[:, 0].tolist()


def test_an_hour_with_lost_frames_ends_in_time(tmp_path: Path) -> None:
    whole = np.arange(3600 * 30) / 30 + 1e-4 * np.sin(np.arange(3600 * 30))
    kept = np.sort(np.random.default_rng(0).choice(len(whole), len(whole) - 54, replace=False))
    maps = {"a": write_clock(tmp_path / "a.csv", whole), "b": write_clock(tmp_path / "b.csv", whole[kept])}
    frames = choose_frames(len(kept), FrameMap(maps["b"], "b", maps), rate=30 * len(kept) / len(whole))
    shown = frames[:, 1] >= 0
    assert np.array_equal(frames[shown, 0], kept[frames[shown, 1]])
    assert (~shown).sum() == 54


def test_cameras_of_different_rates_make_a_session_of_the_slowest(tmp_path: Path) -> None:
    maps = {
        "slow": write_clock(tmp_path / "a.csv", np.arange(30) / 30),
        "fast": write_clock(tmp_path / "b.csv", np.arange(60) / 60 + 0.001),
    }
    assert choose_frames(30, FrameMap(maps["slow"], "slow", maps), rate=30)[:, 1].tolist() == [*range(30), -1]  # the fast one ends later
    assert choose_frames(60, FrameMap(maps["fast"], "fast", maps), rate=60)[:30, 1].tolist() == list(range(0, 60, 2))


def test_a_phase_of_half_a_frame_makes_no_gaps(tmp_path: Path) -> None:
    times = (np.arange(300) + 0.5 + 0.05 * np.random.default_rng(0).standard_normal(300)) / 100
    assert (choose_frames(300, write_clock(tmp_path / "a.csv", times), rate=100)[1:, 1] >= 0).all()


@pytest.mark.parametrize(
    ("factor", "words"), [(1000, "too long by the factor 1000; are they in milliseconds"), (2, "factor 2;"), (0.5, "too short")]
)
def test_times_off_by_a_factor_are_refused(tmp_path: Path, factor: float, words: str) -> None:
    path = write_clock(tmp_path / "a.csv", factor * np.arange(60) / 30)
    with pytest.raises(InputError, match=words):
        choose_frames(60, path, rate=30)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MAP.CSV", "\ufeffframe;video_frame;;\n0;0;;\n1;1;;\n;;;\n2;;;\n3;2;;\n"),
        ("map.txt", "Frame\tVideo_Frame\n0\t0\n1\t1\n3\t2\n\n"),
        ("map.tsv", "frame,video_frame\r\n0,0\r\n1,1.0\r\n3,2\r\n"),
    ],
)
def test_spreadsheets_have_habits(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert choose_frames(3, tmp_path / name).tolist() == [[0, 0], [1, 1], [2, -1], [3, 2]]


def test_decimal_commas_are_read_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.csv").write_text("video_frame;time_s\n0;0,0\n1;0,0333\n2;0,0667\n3;\n4;0,1333\n")
    with caplog.at_level("INFO"):
        assert choose_frames(5, tmp_path / "a.csv", rate=30)[:, 1].tolist() == [0, 1, 2, -1, 4]
    assert "decimal commas" in caplog.text
    (tmp_path / "b.csv").write_text("video_frame,time_s\n0,0,0\n1,0,033\n")
    with pytest.raises(InputError, match=r"a line has 3 cells"):
        choose_frames(2, tmp_path / "b.csv", rate=30)


@pytest.mark.parametrize("index", [True, False])
def test_times_of_all_cameras_in_one_file(tmp_path: Path, index: bool) -> None:
    rows = [
        (camera, number, 5000 + number / 30 + 0.002 * camera) for number in range(20) for camera in (1, 2) if (camera, number) != (2, 7)
    ]
    counted = dict.fromkeys((1, 2), -1)
    path = tmp_path / "timestamps.csv"
    with path.open("w") as file:
        file.write("cam_id,frame_time" + ",frame_index" * index + "\n")
        for camera, _, time in rows:
            counted[camera] += 1
            file.write(f"{camera},{time}" + f",{counted[camera]}" * index + "\n")
    maps = {"cam1": path, "cam2": path}
    assert choose_frames(20, FrameMap(path, "cam1", maps), rate=30)[:, 1].tolist() == list(range(20))
    assert choose_frames(19, FrameMap(path, "cam2", maps), rate=30)[:, 1].tolist() == [*range(7), -1, *range(7, 19)]
    with pytest.raises(InputError, match="camera 'cam3' of the sheet is not in the calibration|cam3"):
        choose_frames(20, FrameMap(path, "cam3", {}), rate=30)
