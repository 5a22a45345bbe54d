"""What a training is named by."""

from bkind3d.config import ExperimentConfig
from bkind3d.training.identity import hash_files, identify_training
from tests.unit.scenes import write_session
from tests.unit.training.experiments import make_small_experiment, with_training


def test_identity_depends_on_settings_and_data_but_not_on_evaluation(tmp_path) -> None:
    paths, others = write_session(tmp_path, "one"), write_session(tmp_path, "two", seed=1)
    config = make_small_experiment(2)
    judged = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"regressor": "ridge"})})
    hashes = hash_files({"one": paths})
    assert identify_training(config, hashes) == identify_training(judged, hash_files({"one": list(reversed(paths))}))
    assert identify_training(config, hashes) == identify_training(with_training(config, activation_checkpointing=True), hashes)
    moved = config.model_copy(update={"losses": config.losses.model_copy(update={"vgg19_weights": "elsewhere/vgg19.pth"})})
    assert identify_training(config, hashes) == identify_training(moved, hashes)
    assert identify_training(config, hashes) != identify_training(make_small_experiment(3), hashes)
    assert identify_training(config, hashes) != identify_training(config, hash_files({"one": others}))


def test_identity_depends_on_the_content_of_first_weights(tmp_path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    (weights / "model.safetensors").write_bytes(b"one")
    config = ExperimentConfig.model_validate({"preset": "paper", "frames": "f", "model": {"pretrained": str(weights)}})
    hashes = {"one": ["abc"]}
    first = identify_training(config, hashes)
    (weights / "model.safetensors").write_bytes(b"two")
    assert identify_training(config, hashes) != first
    (weights / "model.safetensors").write_bytes(b"one")
    assert identify_training(config, hashes) == first
    (weights / "model.safetensors").rename(weights / "model-00001-of-00002.safetensors")
    assert identify_training(config, hashes) != first
