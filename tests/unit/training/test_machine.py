import subprocess
import sys

import pytest
import torch

from bkind3d.config import InputError
from bkind3d.training import trainer
from bkind3d.training.machine import Machine
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, assert_equal_models, fill_memory, make_plain_experiment, make_small_experiment


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(InputError, match="--device cuda: torch finds no GPU here"):
        trainer.train_model(make_small_experiment(1), {"one": write_session(tmp_path, "one", 3)}, tmp_path / "store", Machine("cuda"))


def test_memory_that_holds_no_sample_is_told_with_three_things_to_change(tmp_path, monkeypatch) -> None:
    fill_memory(monkeypatch, 1)
    with pytest.raises(InputError, match=r"activation_checkpointing: true, a smaller model.volume_size, or a smaller size of the frameset"):
        trainer.train_model(make_small_experiment(2), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)


def test_two_processes_give_the_model_of_one(tmp_path) -> None:
    paths, config = write_session(tmp_path, "one"), make_plain_experiment()
    one = trainer.train_model(config, {"one": paths}, tmp_path / "one_process", CPU)
    (tmp_path / "experiment.json").write_text(config.model_dump_json())
    outputs = [f"--{name}={tmp_path / name}" for name in ("output", "untrained", "history", "edges")]
    command = [sys.executable, "-m", "bkind3d", "train-model", f"--config={tmp_path / 'experiment.json'}", "--device=cpu", "--devices=2",
               "--workers=1", "--threads=1", f"--store={tmp_path / 'two'}", f"--frames=one={','.join(map(str, paths))}", *outputs]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_equal_models(one, tmp_path / "two" / one.name, 1e-5)
    assert (tmp_path / "output").read_bytes() == (tmp_path / "two" / one.name / "model.pt").read_bytes()
