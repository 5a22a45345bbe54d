"""Tables of keypoints and joints become arrays: gaps, missing rows, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.parquet import write_table
from bkind3d.data.points import read_points

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
