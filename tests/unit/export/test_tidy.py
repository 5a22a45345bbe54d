import numpy as np
import pandas as pd

from bkind3d.export.csv_files import BLOCK_CELLS
from bkind3d.export.tidy import write_session
from tests.unit.export.conftest import NAMES, make_positions


def test_every_number_is_read_back_exactly(session, tmp_path):
    write_session(session, tmp_path / "s1.csv")
    table = pd.read_csv(tmp_path / "s1.csv")
    assert list(table.columns) == ["session", "frame", "time_s", "keypoint", "x_cm", "y_cm", "z_cm", "confidence", "spread_cm"]
    assert table["keypoint"].tolist() == NAMES * 20
    assert set(table["session"]) == {"s1"}
    np.testing.assert_array_equal(table[["x_cm", "y_cm", "z_cm"]].to_numpy(np.float32).reshape(20, 4, 3), make_positions())
    np.testing.assert_array_equal(table["time_s"].to_numpy()[::4], session.keypoints.times)


def test_blocks_join_without_a_seam(session, tmp_path, monkeypatch):
    write_session(session, tmp_path / "one.csv")
    assert BLOCK_CELLS > 20 * 9 * 4
    monkeypatch.setattr("bkind3d.export.csv_files.BLOCK_CELLS", 7 * 9 * 4)
    write_session(session, tmp_path / "three.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "three.csv").read_bytes()
