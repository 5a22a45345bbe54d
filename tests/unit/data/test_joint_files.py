from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.joint_files import read_joints

HEADER = (
    "PathFileType\t4\t(X/Y/Z)\ta.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n"
    "60\t60\t2\t2\tm\n"
    "Frame#\tTime\tHip\t\t\tKnee\t\t\n"
    "\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n"
)
ROWS = "1\t0.0\t1\t2\t3\t4\t5\t6\n2\t0.02\t7\t8\t9\t\t\t\n"


def write_trc(folder: Path, text: str = HEADER + ROWS) -> Path:
    (folder / "a.trc").write_text(text)
    return folder / "a.trc"


def test_axes_and_units_of_a_trc_are_converted(tmp_path: Path) -> None:
    table = read_joints(write_trc(tmp_path), "mm", "ZXY")
    assert table["frame"].tolist() == [0, 0, 1, 1]
    assert table["joint"].tolist() == ["Hip", "Knee", "Hip", "Knee"]
    expected = [[3000, 1000, 2000], [6000, 4000, 5000], [9000, 7000, 8000], [np.nan] * 3]
    assert np.allclose(table[["x", "y", "z"]].to_numpy(), expected, equal_nan=True)


def test_parquet_is_kept_and_a_joint_that_lacks_a_coordinate_was_not_seen(tmp_path: Path) -> None:
    rows = pd.DataFrame({"frame": [0, 0, 1], "joint": ["a", "b", "a"], "x": [1.0, 2, 3], "y": [4, np.nan, 6.0], "z": [7.0, 8, 9]})
    rows.to_parquet(tmp_path / "a.parquet")
    table = read_joints(tmp_path / "a.parquet", "mm")
    assert table[["x", "y", "z"]].to_numpy()[[0, 2]].tolist() == [[1, 4, 7], [3, 6, 9]]
    assert table.loc[1, ["x", "y", "z"]].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": [0, 0, 0]}, "'a' is there more than once in frame 0"),
        ({"x": [np.inf, 1.0, 1.0]}, "infinite"),
        ({"x": [np.nan] * 3}, "found none"),
        ({"frame": [-1, 0, 1]}, "counted from 0"),
        ({"frame": [10**15, 0, 1]}, "counted from 0"),
        ({"x": [1e30, 1, 1]}, "has a joint at 1e\\+30 mm, where nobody can be"),
        ({"y": None}, "column 'y'"),
    ],
)
def test_wrong_parquet_is_refused(tmp_path: Path, change: dict[str, list[float] | None], message: str) -> None:
    columns = {"frame": [0, 0, 1], "joint": ["a", "b", "a"], "x": [1.0, 2, 3], "y": [4.0, 5, 6], "z": [7.0, 8, 9], **change}
    pd.DataFrame({name: values for name, values in columns.items() if values is not None}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message):
        read_joints(tmp_path / "a.parquet", "mm")


@pytest.mark.parametrize(
    ("text", "units", "axes", "message"),
    [
        (HEADER + ROWS, "mm", "XXY", "--axes"),
        (HEADER + ROWS, "yd", "XYZ", "'m'.*'yd'"),
        (HEADER, "mm", "XYZ", "no TRC file"),
        ("nonsense\n" * 9, "mm", "XYZ", "no TRC file"),
        (HEADER + "1\t0\t1\t2\n", "mm", "XYZ", "4 columns, 2 joints need 8"),
        (HEADER + ROWS.replace("7", "seven"), "mm", "XYZ", "numbers only"),
        (HEADER + ROWS.replace("2\t0.02", "\t0.02"), "mm", "XYZ", "whole number of a frame"),
        (HEADER + ROWS.replace("2\t0.02", "inf\t0.02"), "mm", "XYZ", "whole number of a frame"),
    ],
)
def test_a_wrong_trc_is_refused(tmp_path: Path, text: str, units: str, axes: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_joints(write_trc(tmp_path, text), units, axes)


def test_other_formats_and_missing_files_are_refused(tmp_path: Path) -> None:
    for name, message in {
        "a.csv": "cannot be read",
        "a.c3d": "holds no joints in 3D",
        "a.trc": "cannot be read",
        "a.parquet": "cannot be read",
    }.items():
        with pytest.raises(InputError, match=message):
            read_joints(tmp_path / name, "mm")


def test_the_real_persons_joints_are_read(real_data: Path) -> None:
    table = read_joints(real_data / "pose2sim_single" / "pose-3d" / "S00_P00_T01_BalancingTrial_0-100.trc", "m", "ZXY")
    assert table["frame"].nunique() == 100
    assert table["joint"].nunique() == 21
    # Y of the file is up, so world z: a person's height.
    assert 1.4 < table["z"].max() - table["z"].min() < 2.5
