from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.survey.frame_maps import choose_frames


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
