import numpy as np
import pytest
import torch

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import SessionFrames
from bkind3d.methods.metapose.objective import FoldDataset, project_joints, split_labels
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.scenes import make_body, write_session


def read(folder, *names):
    sessions = [SessionFrames(write_session(folder, name, n_frames=10, seed=seed)) for seed, name in enumerate(names)]
    return sessions, {name: make_body(10, seed).astype(np.float32) for seed, name in enumerate(names)}


def test_sessions_are_dealt_out_in_turn(tmp_path) -> None:
    sessions, joints = read(tmp_path, "a", "b", "c")
    joints["b"][:] = np.nan
    folds = split_labels(sessions, joints)
    known = [{name for name, values in fold.items() if np.isfinite(values).any()} for fold in folds]
    assert known == [{"a"}, {"c"}]


def test_a_single_session_is_cut_in_its_middle(tmp_path) -> None:
    sessions, joints = read(tmp_path, "a")
    joints["a"][0] = np.nan
    known = [np.flatnonzero(np.isfinite(fold["a"]).all(axis=(1, 2))).tolist() for fold in split_labels(sessions, joints)]
    assert known == [[1, 2, 3, 4], [5, 6, 7, 8, 9]]
    first, second = FoldDataset(sessions, {"a": np.zeros(10, np.float32)}, joints, 3, 0)[0]
    assert torch.isfinite(first.joints).all() and torch.isfinite(second.joints).all()


def test_detectors_learn_from_their_own_half_and_stages_from_the_other_s_heatmaps() -> None:
    values = {"method": "metapose", "frames": "f", "model": {"width": 16, "stages": 1}, "training": {"detector_share": 0.5}}
    torch.manual_seed(0)
    module = Training(parse_section(ExperimentConfig, values, "test"), list("abcdef"))
    moments = make_random_moments(2, 3, 32, 6)
    moments.joints[1] = torch.nan  # the second half knows nothing
    draws = module.objective.draw(0, 3, 1).take(range(1), torch.device("cpu"))
    early, _ = module.objective(module.model, moments, draws, 0.4)
    assert set(early) == {"detector"}
    early["detector"].backward()
    grown = [sum(float(p.grad.abs().sum()) for p in detector.parameters() if p.grad is not None) for detector in module.model.detectors]
    assert grown[0] > 0 and grown[1] == 0
    late, positions = module.objective(module.model, moments, draws, 0.6)
    assert set(late) == {"detector", "projection"} and torch.isfinite(positions).all() and torch.isfinite(late["projection"])


def test_a_joint_that_is_not_known_has_no_place() -> None:
    moments = make_random_moments(1, 3, 32, 2)
    moments.joints[0, 1] = torch.nan
    places = project_joints(moments.joints, moments.views)
    assert torch.isfinite(places[:, :, 0]).all() and torch.isnan(places[:, :, 1]).all()


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_the_variant_starts_from_known_cameras_in_either_form(preset) -> None:
    config = parse_section(ExperimentConfig, {"method": "metapose_calibrated", "preset": preset, "frames": "f"}, "test")
    assert config.model.start == "triangulation" and config.description.supervision == "2D"
