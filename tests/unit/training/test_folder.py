import logging
import os
import subprocess
import sys

import pytest

from bkind3d.config import ExperimentConfig, InputError
from bkind3d.training.folder import hash_files, hold_folder, identify_training
from tests.unit.scenes import write_session
from tests.unit.training.experiments import make_small_experiment, with_training


def test_one_process_at_a_time_trains_a_model(tmp_path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    code = f"from pathlib import Path\nfrom bkind3d.training.folder import hold_folder\nwith hold_folder(Path({str(folder)!r})): print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "1\n"
        with pytest.raises(InputError, match=rf"process {other.pid} on .* trains this model right now"), hold_folder(folder):
            pass
        other.kill()
        other.wait()
        with hold_folder(folder):
            assert (folder / "lock").read_text().startswith(f"process {os.getpid()}")


def test_a_full_disk_ends_no_training_that_only_logs(tmp_path, capfd) -> None:
    (tmp_path / "training.log").symlink_to("/dev/full")
    with hold_folder(tmp_path):
        logging.getLogger("bkind3d.training.test").warning("a line")
    assert "Traceback" not in capfd.readouterr().err


def test_a_log_keeps_every_run_and_ends_with_it(tmp_path):
    log = logging.getLogger("bkind3d.training.test")
    for run in ("first", "second"):
        with hold_folder(tmp_path):
            log.warning("the %s run", run)
        log.warning("afterwards")
    assert [line.split(": ")[1] for line in (tmp_path / "training.log").read_text().splitlines()] == ["the first run", "the second run"]


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
