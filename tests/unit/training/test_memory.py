import pytest

from bkind3d.config import InputError
from bkind3d.training import trainer
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, fill_memory, make_small_experiment


def test_memory_that_holds_no_sample_is_told_with_three_things_to_change(tmp_path, monkeypatch) -> None:
    fill_memory(monkeypatch, 1)
    with pytest.raises(InputError, match=r"activation_checkpointing: true, a smaller model.volume_size, or a smaller size of the frameset"):
        trainer.train_model(make_small_experiment(2), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
