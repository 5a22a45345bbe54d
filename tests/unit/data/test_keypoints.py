import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError, NamingConfig
from bkind3d.data.keypoints import name_keypoints, read_keypoints
from bkind3d.data.parquet import write_table


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
