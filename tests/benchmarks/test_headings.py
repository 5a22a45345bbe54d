from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.headings import measure_turns
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import write_table
from tests.unit.scenes import write_session


def test_headings_are_compared_the_short_way_round_in_usable_frames_alone(tmp_path: Path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", 5, 3))
    session.usable = np.array([0, 2, 4])
    truth = pd.DataFrame({"frame": [4, 3, 2, 1, 0], "x": 0.0, "y": 0.0, "z": 0.0, "heading": [3.1, 9.0, 0.0, 9.0, -np.pi / 2]})
    write_table(truth, "poses", tmp_path / "poses.parquet")
    found = np.array([0, 0, np.pi / 4, 0, -3.1], np.float32)
    assert measure_turns(session, found, tmp_path / "poses.parquet") == pytest.approx([90, 45, np.degrees(2 * np.pi - 6.2)], abs=1e-3)
