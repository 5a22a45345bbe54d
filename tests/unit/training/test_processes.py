import subprocess
import sys

from bkind3d.training import trainer
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, assert_equal_models, make_plain_experiment


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
