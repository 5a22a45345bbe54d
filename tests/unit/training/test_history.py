import resource
from pathlib import Path

import pytest
import torch

from bkind3d.training.history import History


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of TensorBoard's own thread
def test_curves_that_cannot_be_begun_end_no_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = History()
    # No file may grow at all, as on a full disk.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        history.show_on_tensorboard(tmp_path / "tensorboard", 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "no more curves for TensorBoard: " in caplog.text
    history.record(1, {"loss": torch.tensor(0.5)})
    assert history.table()["value"].tolist() == [0.5]
