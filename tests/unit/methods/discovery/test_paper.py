"""The paper's objective, with all its parts, learns on a tiny scene."""

import pytest

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.parquet import read_table
from bkind3d.training.machine import Machine
from bkind3d.training.trainer import train_model
from tests.unit.scenes import write_session


@pytest.mark.slow
def test_paper_preset_lowers_every_term_but_keeps_them_all(tmp_path) -> None:
    values = {
        "preset": "paper",
        "frames": "paper",
        "model": {"n_keypoints": 5, "volume_size": 16, "volume_channels": 8, "volume_levels": 2},
        "losses": {"perceptual": "pyramid", "separation": 0.1, "length_start": 0.2},
        "training": {"steps": 50, "batch_size": 1, "frame_gap_seconds": 0.2, "log_every": 1, "precision": "32", "optimizer": "adamw"},
    }
    config = parse_section(ExperimentConfig, values, "test")
    assert config.model.encoder == "resnet50"
    folder = train_model(config, {"one": write_session(tmp_path, "one", n_frames=30)}, tmp_path / "store", Machine("cpu"))
    history = read_table(folder / "history.parquet", "history").pivot(index="step", columns="term", values="value")
    assert set(history.columns) == {"reconstruction", "separation", "length", "total", "merged", "dead"}
    # Each level is divided by its running average, so the sum is near 6 while nothing improves, and below while it does.
    assert history["reconstruction"].iloc[5:].mean() < 5.8
    assert (history["length"].iloc[:10] == 0).all()
    assert (history["length"].iloc[11:] > 0).any()
    assert history["separation"].iloc[-20:].mean() < history["separation"].iloc[:20].mean()


@pytest.mark.parametrize(
    ("model", "losses"),
    [
        ({"drawing": "none"}, {"length": 0}),
        ({}, {"length": 0}),
        ({}, {"separation": 0}),
        ({"drawing": "points"}, {"length": 0}),
        ({}, {"target": "image"}),
    ],
)
def test_every_row_of_the_ablation_can_be_trained(tmp_path, model, losses) -> None:
    small = {"n_keypoints": 4, "volume_size": 8, "volume_channels": 4, "volume_levels": 1, "encoder": "resnet18", "feature_channels": 4}
    values = {
        "preset": "paper",
        "frames": "paper",
        "model": {**small, **model},
        "losses": {"perceptual": "pyramid", "length_start": 0.0, **losses},
        "training": {"steps": 2, "frame_gap_seconds": 0.2, "log_every": 1, "precision": "32"},
    }
    config = parse_section(ExperimentConfig, values, "test")
    folder = train_model(config, {"one": write_session(tmp_path, "one", n_frames=8)}, tmp_path / "store", Machine("cpu"))
    history = read_table(folder / "history.parquet", "history")
    expected = {"reconstruction", "separation", "length"} - {name for name, weight in losses.items() if weight == 0}
    assert expected | {"total"} <= set(history["term"])
    assert not {"length", "separation"} - expected & set(history["term"])
    assert history["value"].notna().all()
