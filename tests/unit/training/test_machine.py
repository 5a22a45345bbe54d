import pytest
import torch

from bkind3d.config import InputError
from bkind3d.training import trainer
from bkind3d.training.machine import Machine
from tests.unit.scenes import write_session
from tests.unit.training.experiments import make_small_experiment


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(InputError, match="--device cuda: torch finds no GPU here"):
        trainer.train_model(make_small_experiment(1), {"one": write_session(tmp_path, "one", 3)}, tmp_path / "store", Machine("cuda"))
