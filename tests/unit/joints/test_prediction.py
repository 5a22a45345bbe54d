import numpy as np
import pandas as pd
import torch

from bkind3d.config import JointsConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.inference.prediction import measure_residuals as measure_by_torch
from bkind3d.joints.fitting import fit_joints
from bkind3d.joints.prediction import measure_residuals, predict_joints
from tests.unit.joints.test_fitting import make_session
from tests.unit.scenes import make_body, write_session


def test_residuals_are_those_of_keypoints(tmp_path):
    """The same measure, by other code: each joint's mean distance from the silhouettes."""
    paths = write_session(tmp_path, "one", n_frames=6, n_views=3)
    points = make_body(6) + np.random.default_rng(0).normal(scale=12, size=(6, 4, 3))
    session = SessionFrames(paths)
    expected = measure_by_torch(torch.from_numpy(points).float(), session.decode(np.arange(6))).numpy()
    found = measure_residuals(points, paths)
    assert (expected > 0).any()
    # One takes the nearest pixel, the other what lies between pixels.
    np.testing.assert_allclose(found, expected, atol=0.75)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


def test_a_session_has_a_row_for_every_frame_and_joint(tmp_path):
    entry, truth = make_session(5, frames=12)
    paths = write_session(tmp_path, "s5", n_frames=12, seed=5)
    fitted = fit_joints([make_session(number)[0] for number in range(2)], JointsConfig())
    fitted.model.write(tmp_path / "model.npz", {"level": 0.9, "unit": "second"})
    table = pd.DataFrame(
        {"frame": np.arange(12).repeat(4), "time_s": (np.arange(12) / 10).repeat(4), "keypoint": ["k0", "k1", "k2", "k3"] * 12}
    )
    table[["x", "y", "z"]] = entry.keypoints.positions.reshape(-1, 3)
    table = table.assign(confidence=1.0, spread=2.0, reprojection_px=0.0)
    write_table(table, "keypoints", tmp_path / "keypoints.parquet", {"units": "mm", "session": "s5"})
    predict_joints(tmp_path / "model.npz", tmp_path / "keypoints.parquet", paths, tmp_path / "joints.parquet")
    found = read_table(tmp_path / "joints.parquet", "found_joints")
    assert list(found["joint"][:3]) == ["nose", "back", "tail"] and len(found) == 36
    assert np.linalg.norm(found[["x", "y", "z"]].to_numpy() - truth.reshape(-1, 3), axis=1).mean() < 2
    assert (found["spread"] > 0).all() and found["reprojection_px"].notna().all()
    assert read_metadata(tmp_path / "joints.parquet")["unit"] == "second"
