"""Every method of this package, and the toy that tests bring along, passes the common checks; a broken one does not."""

import sys
from pathlib import Path

import pytest
import torch

from bkind3d.config import ExperimentConfig, list_methods, parse_section
from bkind3d.training import checks

sys.path.append(str(Path(__file__).parents[2] / "workflow"))
from toy_method import ToyExperiment, ToyModel

SMALL = {"volume_size": 8, "volume_channels": 4, "volume_levels": 1}
TRAINING = {"batch_size": 2, "precision": "32", "drop_views": 0.3}
LEARNED = {"preset": "demo", "model": {**SMALL, "n_keypoints": 4, "n_symmetric_pairs": 1}, "losses": {"length": 1.0, "length_start": 0.0}}
PUBLISHED = {
    "preset": "paper",
    "model": {**SMALL, "n_keypoints": 4, "encoder": "resnet18", "feature_channels": 4},
    "losses": {"perceptual": "pyramid", "length_start": 0.0},
}
CUBE = {"volume_size": 8, "volume_channels": 4, "volume_levels": 2}
EXPERIMENTS = {
    "discovery": LEARNED,
    "paper": PUBLISHED,
    "supervised": {"method": "supervised", "model": SMALL},
    "volumetric": {"method": "volumetric", "model": CUBE},
    "algebraic": {"method": "algebraic"},
    "dannce": {"method": "dannce", "model": CUBE, "losses": {"heatmap": 0.01}},
    "dannce_peak": {"method": "dannce", "model": CUBE | {"head": "peak"}},
    "keypoint3d": {"method": "keypoint3d", "model": {"n_keypoints": 4}},
    "metapose": {"method": "metapose", "model": {"width": 16}, "training": {"detector_share": 0.0}},
    "metapose_calibrated": {"method": "metapose_calibrated", "model": {"width": 16}, "training": {"detector_share": 0.0}},
}


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_our_methods_pass_every_check(name, check):
    values = {"frames": "f", **EXPERIMENTS[name]}
    check(parse_section(ExperimentConfig, {**values, "training": {**TRAINING, **values.get("training", {})}}, name))


def test_every_method_is_checked():
    assert set(list_methods()) <= {values.get("method", "discovery") for values in EXPERIMENTS.values()}


def make_toy() -> ToyExperiment:
    return ToyExperiment.model_validate({"frames": "f", "training": TRAINING})


@pytest.mark.parametrize("check", [check for check in checks.CHECKS if check is not checks.check_saving], ids=lambda check: check.__name__)
def test_a_method_of_somebody_else_passes(check):
    check(make_toy())


def test_a_method_that_looks_at_the_whole_batch_is_found_out(monkeypatch):
    original = ToyModel.forward

    def shifted(self, views, turns):
        estimate = original(self, views, turns)
        return type(estimate)(estimate.positions + len(turns), estimate.spreads, estimate.confidences)

    monkeypatch.setattr(ToyModel, "forward", shifted)
    with pytest.raises(AssertionError, match="use no statistics of a batch"):
        checks.check_batches(make_toy())


def test_a_method_that_reads_absent_views_is_found_out(monkeypatch):
    original = ToyModel.forward

    def looking(self, views, turns):
        estimate = original(self, views, turns)
        return type(estimate)(estimate.positions + views.images[:, 0].mean(), estimate.spreads, estimate.confidences)

    monkeypatch.setattr(ToyModel, "forward", looking)
    with pytest.raises(AssertionError, match="picture of a view that is absent"):
        checks.check_missing_views(make_toy())


def test_a_method_that_makes_tensors_on_the_processor_is_found_out(monkeypatch):
    original = ToyModel.forward

    def mixing(self, views, turns):
        estimate = original(self, views, turns)
        return type(estimate)(estimate.positions + torch.rand(3), estimate.spreads, torch.zeros(len(turns), 4))

    monkeypatch.setattr(ToyModel, "forward", mixing)
    with pytest.raises((AssertionError, RuntimeError), match=r"another device|device"):
        checks.check_device(make_toy())
