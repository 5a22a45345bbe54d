import cv2

from bkind3d.training import trainer
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, make_small_experiment


def test_previews_and_curves_are_written_while_training(tmp_path) -> None:
    folder = trainer.train_model(make_small_experiment(3), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    picture = cv2.imread(str(folder / "preview.jpg"))
    assert picture.shape == (3 * 160, 3 * 160, 3)
    assert picture.std() > 10
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))
