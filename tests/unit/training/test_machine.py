import pytest
import torch

from bkind3d.config import InputError
from bkind3d.training import trainer
from bkind3d.training.machine import Machine
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, fill_memory, make_small_experiment


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(InputError, match="--device cuda: torch finds no GPU here"):
        trainer.train_model(make_small_experiment(1), {"one": write_session(tmp_path, "one", 3)}, tmp_path / "store", Machine("cuda"))


def test_memory_that_holds_no_sample_is_told_with_three_things_to_change(tmp_path, monkeypatch) -> None:
    fill_memory(monkeypatch, 1)
    with pytest.raises(InputError, match=r"activation_checkpointing: true, a smaller model.volume_size, or a smaller size of the frameset"):
        trainer.train_model(make_small_experiment(2), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
