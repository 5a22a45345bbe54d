"""Tables of keypoints and joints become arrays: gaps, missing rows, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError, NamingConfig
from bkind3d.data.parquet import write_table
from bkind3d.data.points import name_keypoints, read_keypoints, read_points

NAMES = ("nose", "neck", "back", "rump", "paw_left", "paw_right")
RATE = 25.0


def write_points(path: Path, positions: np.ndarray, kind: str = "joints") -> Path:
    n_frames, n_points = positions.shape[:2]
    frame = np.repeat(np.arange(n_frames), n_points)
    columns = dict(zip("xyz", positions.reshape(-1, 3).T, strict=True))
    table = pd.DataFrame({"frame": frame, kind.removesuffix("s"): list(NAMES[:n_points]) * n_frames, **columns})
    if kind == "keypoints":
        table = table.assign(time_s=frame / RATE, confidence=1.0, spread=1.0, reprojection_px=0.5)
    write_table(table, kind, path, {"units": "mm"})
    return path


def test_points_come_back_in_order_with_gaps(tmp_path):
    positions = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32).astype(float)
    positions[2, 1, 0] = np.nan
    points = read_points(write_points(tmp_path / "k.parquet", positions, "keypoints"), "keypoints")
    assert points.names == NAMES[:4]
    assert np.isnan(points.positions[2, 1]).all()
    positions[2, 1] = np.nan
    np.testing.assert_array_equal(points.positions, positions)
    np.testing.assert_allclose(points.time_s, np.arange(5) / RATE)
    at = points.positions_at(np.array([3, 9, -1, 0]))
    np.testing.assert_array_equal(at[[0, 3]], positions[[3, 0]])
    assert np.isnan(at[1:3]).all()


def test_rows_may_be_missing_or_shuffled(tmp_path):
    positions = np.random.default_rng(0).normal(size=(6, 6, 3))
    path = write_points(tmp_path / "j.parquet", positions)
    pd.read_parquet(path).drop(index=[7]).iloc[::-1].to_parquet(path)
    points = read_points(path, "joints")
    order = [points.names.index(name) for name in NAMES]
    positions[1, 1] = np.nan
    np.testing.assert_allclose(points.positions[:, order], positions, rtol=1e-6)


def test_wrong_joint_tables_are_refused(tmp_path):
    path = write_points(tmp_path / "j.parquet", np.zeros((4, 6, 3)))
    table = pd.read_parquet(path)
    pd.concat([table, table.iloc[[8]]]).to_parquet(path)
    with pytest.raises(InputError, match=r"j.parquet: joint 'back' is there twice in frame 1; keep one row"):
        read_points(path, "joints")
    table.iloc[:0].to_parquet(path)
    with pytest.raises(InputError, match="has no rows"):
        read_points(path, "joints")
    table.rename(columns={"joint": "marker"}).to_parquet(path)
    with pytest.raises(InputError, match="column 'joint' of a joints table is missing"):
        read_points(path, "joints")


def make_table(n_frames=7, names=("k00", "k01", "k02")):
    rng = np.random.default_rng(0)
    frames = np.repeat(np.arange(n_frames) * 2 + 10, len(names))
    table = pd.DataFrame({"frame": frames, "time_s": frames / 50, "keypoint": list(names) * n_frames})
    table[["x", "y", "z", "confidence", "spread", "reprojection_px"]] = rng.normal(0, 100, (len(table), 6)).astype(np.float32)
    table.loc[table["frame"] == 14, ["x", "y", "z", "spread", "reprojection_px"]] = np.nan
    return table


def write(table, path):
    write_table(table, "keypoints", path, {"units": "mm", "rate": 50.0, "model": "abc"})
    return path


def test_arrays_hold_what_the_table_holds(tmp_path):
    table = make_table()
    found = read_keypoints(write(table, tmp_path / "k.parquet"))
    assert found.names == ["k00", "k01", "k02"]
    assert found.frames.tolist() == [10, 12, 14, 16, 18, 20, 22]
    assert found.times.tolist() == (found.frames / 50).tolist()
    for (frame, keypoint), row in table.set_index(["frame", "keypoint"]).iterrows():
        place = found.frames.tolist().index(frame), found.names.index(keypoint)
        np.testing.assert_array_equal(found.positions[place], row[["x", "y", "z"]].to_numpy(np.float32))
        scalars = found.confidences[place], found.spreads[place], found.residuals[place]
        np.testing.assert_array_equal(scalars, row[["confidence", "spread", "reprojection_px"]].to_numpy(np.float32))
    assert found.metadata["units"] == "mm"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t.iloc[:-1],
        lambda t: t.iloc[::-1].sort_values("frame", kind="stable").iloc[1:],
        lambda t: t.sample(frac=1, random_state=0),
    ],
)
def test_a_table_with_gaps_or_without_order_is_refused(tmp_path, spoil):
    path = write(spoil(make_table()), tmp_path / "k.parquet")
    with pytest.raises(InputError, match=r"k\.parquet: does not hold every keypoint of every frame"):
        read_keypoints(path)


def test_names_replace_the_keypoints_own(tmp_path):
    naming = NamingConfig(model="abc", keypoints={"k01": "nose"})
    assert read_keypoints(write(make_table(), tmp_path / "k.parquet"), naming).names == ["k00", "nose", "k02"]


def test_names_given_to_another_model_are_not_used(caplog):
    naming = NamingConfig(model="abc", keypoints={"k01": "nose"})
    assert name_keypoints(["k00", "k01"], naming, "xyz", "s.parquet") == ["k00", "k01"]
    assert "s.parquet: has keypoints of model xyz, but names were given to those of model abc" in caplog.text
    assert name_keypoints(["k00", "k01"], NamingConfig(keypoints={"k01": "nose"}), "xyz", "s.parquet") == ["k00", "nose"]
