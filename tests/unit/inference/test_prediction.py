"""Every frame and keypoint has a row; gaps are gaps; residuals are distances to the silhouettes."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from bkind3d.checkpoint import Provenance, save_model
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_failure, read_metadata, read_table, write_table
from bkind3d.data.points import read_keypoints
from bkind3d.inference import prediction
from bkind3d.inference.prediction import find_parts, predict_keypoints
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from tests.unit.scenes import SIDE, read_views, write_session
from tests.unit.training.experiments import make_small_experiment

SMALL = DiscoveryModelConfig(
    n_keypoints=3, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", reconstruction=False, hull_prior=1.0
)


def test_every_frame_has_every_keypoint_and_a_gap_is_nan_with_confidence_zero(tmp_path) -> None:
    paths = write_session(tmp_path, "one", n_frames=6)
    for path in paths[:2]:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        table = read_table(path, "frames")
        table.loc[table["frame"] == 3, "valid"] = False
        write_table(table, "frames", path, metadata)
    table = predict_keypoints(DiscoveryModel(SMALL).eval(), SessionFrames(paths), np.zeros(6, np.float32), batch_size=4)
    assert len(table) == 6 * 3
    gap = table[table["frame"] == 3]
    assert gap[["x", "y", "z", "spread", "reprojection_px"]].isna().all().all()
    assert (gap["confidence"] == 0).all()
    rest = table[table["frame"] != 3]
    assert rest.notna().all().all()
    assert rest["confidence"].between(0, 1).all()
    assert (np.abs(rest[["x", "y", "z"]].to_numpy() - [0, 0, 10]) <= SIDE / 2).all()


def test_predicting_twice_gives_the_same_table_for_any_batch_size(tmp_path) -> None:
    session, model = SessionFrames(write_session(tmp_path, "one", n_frames=5)), DiscoveryModel(SMALL).eval()
    first, second = (predict_keypoints(model, session, np.zeros(5, np.float32), batch_size) for batch_size in (5, 2))
    assert np.allclose(first[["x", "y", "z"]], second[["x", "y", "z"]], atol=1e-3)


def test_an_interrupted_prediction_computes_no_chunk_twice(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(prediction, "CHUNK_FRAMES", 4)
    session, headings, parts = SessionFrames(write_session(tmp_path, "one", n_frames=10)), np.zeros(10, np.float32), tmp_path / "parts"
    model = DiscoveryModel(SMALL).eval()
    whole = predict_keypoints(model, session, headings)
    original, computed = prediction.predict_chunk, []

    def count(model, session, headings, frames, *others):
        if len(computed) == 2:
            computed.append(None)
            raise KeyboardInterrupt
        computed.append(frames)
        return original(model, session, headings, frames, *others)

    monkeypatch.setattr(prediction, "predict_chunk", count)
    with pytest.raises(KeyboardInterrupt):
        predict_keypoints(model, session, headings, parts=parts)
    (parts / "4.npy").write_bytes(b"half a file")
    pd.testing.assert_frame_equal(predict_keypoints(model, session, headings, parts=parts), whole)
    assert computed == [range(0, 4), range(4, 8), None, range(4, 8), range(8, 10)]


def test_chunks_of_another_model_are_not_taken(tmp_path) -> None:
    frames, output = write_session(tmp_path, "one"), tmp_path / "out.parquet"
    models = [tmp_path / name for name in ("a.pt", "b.pt")]
    for path in models:
        path.write_bytes(path.name.encode())
    first = find_parts(output, models[0], frames, 1)
    first.mkdir()
    assert find_parts(output, models[0], frames, 1) == first
    assert find_parts(output, models[0], frames, 2) != first
    assert not first.exists()
    assert find_parts(output, models[1], frames, 1) != first


def test_chunks_of_another_revision_are_not_taken(tmp_path, monkeypatch) -> None:
    model, output = tmp_path / "a.pt", tmp_path / "out.parquet"
    model.write_bytes(b"x")
    before = find_parts(output, model, [model], 1)
    monkeypatch.setattr(prediction, "PREDICTION_REVISION", prediction.PREDICTION_REVISION + 1)
    assert find_parts(output, model, [model], 1) != before


def test_averaging_over_turns_is_the_mean_of_turned_answers(tmp_path) -> None:
    views, model, heading = read_views(tmp_path, 1), DiscoveryModel(SMALL).eval(), torch.tensor([0.8])
    turned = [model(views, heading + math.radians(degrees)).positions for degrees in (-30, 0, 30)]
    mean = torch.stack(turned).mean(dim=0)
    assert torch.allclose(prediction.look_from_turns(model, views, heading, 3).positions, mean, atol=1e-4)
    assert torch.equal(prediction.look_from_turns(model, views, heading, 1).positions, turned[1])


def test_of_a_session_that_failed_every_keypoint_has_a_row_and_no_place(tmp_path) -> None:
    model, frames, output = tmp_path / "model.pt", write_session(tmp_path, "one", n_frames=6), tmp_path / "keypoints.parquet"
    experiment = make_small_experiment(7)
    network = DiscoveryModel(experiment.model)
    save_model(network, Provenance("abc", 7, "mm", 0, experiment=experiment.model_dump_json(), method=experiment.method), model)
    prediction.write_no_keypoints(model, frames, output, "it cannot be")
    found = read_keypoints(output)
    assert found.positions.shape == (6, 4, 3) and not found.located.any() and (found.confidences == 0).all()
    assert read_failure(output) == "it cannot be" and (found.metadata["model"], found.metadata["side"]) == ("abc", SIDE)
