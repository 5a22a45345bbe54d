"""Every frame and keypoint has a row; gaps are gaps; residuals are distances to the silhouettes."""

import numpy as np
import torch

from bkind3d.config import ModelConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.inference.prediction import distance_to, measure_residuals, predict_keypoints
from bkind3d.model.discovery import DiscoveryModel
from tests.unit.scenes import SIDE, make_body, write_session

SMALL = ModelConfig(n_keypoints=3, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", reconstruction=False, hull_prior=1.0)


def test_every_frame_has_every_keypoint_and_a_gap_is_nan_with_confidence_zero(tmp_path) -> None:
    paths = write_session(tmp_path, "one", n_frames=6)
    for path in paths[:2]:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        table = read_table(path, "frames")
        table.loc[table["frame"] == 3, "valid"] = False
        write_table(table, "frames", path, metadata)
    table = predict_keypoints(DiscoveryModel(SMALL), SessionFrames(paths), batch_size=4)
    assert len(table) == 6 * 3
    gap = table[table["frame"] == 3]
    assert gap[["x", "y", "z", "spread", "reprojection_px"]].isna().all().all()
    assert (gap["confidence"] == 0).all()
    rest = table[table["frame"] != 3]
    assert rest.notna().all().all()
    assert rest["confidence"].between(0, 1).all()
    assert (np.abs(rest[["x", "y", "z"]].to_numpy() - [0, 0, 10]) <= SIDE / 2).all()


def test_predicting_twice_gives_the_same_table_for_any_batch_size(tmp_path) -> None:
    session, model = SessionFrames(write_session(tmp_path, "one", n_frames=5)), DiscoveryModel(SMALL)
    first, second = (predict_keypoints(model, session, batch_size) for batch_size in (5, 2))
    assert np.allclose(first[["x", "y", "z"]], second[["x", "y", "z"]], atol=1e-3)


def test_residual_is_zero_on_the_body_and_its_distance_beside_it(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    points = torch.from_numpy(np.stack([make_body(12)[2, 0], [0, 0, 60.0]])).float()[None]
    residuals = measure_residuals(points, session.decode(2))[0]
    assert residuals[0] == 0
    assert residuals[1] > 5


def test_distance_to_a_mask() -> None:
    mask = np.zeros((9, 9), bool)
    assert distance_to(mask)[0, 0] > 9
    mask[4, 4] = True
    assert abs(distance_to(mask)[4, 8] - 4) < 0.1
    assert distance_to(mask)[4, 4] == 0
