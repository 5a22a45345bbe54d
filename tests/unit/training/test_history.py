"""What a training notes, on TensorBoard too, and which keypoints are of no use."""

import resource
from pathlib import Path

import pytest
import torch

from bkind3d.training.history import History, KeypointHealth


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


def make_points(n: int = 40) -> torch.Tensor:
    return torch.rand(n, 4, 3, generator=torch.Generator().manual_seed(0)) - 0.5


def test_sound_keypoints_are_not_named() -> None:
    health = KeypointHealth(["a", "b", "c", "d"])
    health.add(make_points())
    assert str(health.report()) == ""
    assert str(KeypointHealth(["a", "b"]).report()) == ""


def test_merged_and_dead_keypoints_are_named_over_several_batches() -> None:
    health, points = KeypointHealth(["a", "b", "c", "d"]), make_points()
    points[:, 2] = points[:, 0] + 0.003
    points[:, 3] = torch.tensor([0.1, 0.2, 0.3])
    for part in points.split(7):
        health.add(part)
    report = health.report()
    assert (report.merged, report.dead, report.collapsed) == ([("a", "c")], ["d"], False)
    assert str(report) == "a and c are in one place, d never moves"


def test_keypoints_that_only_met_for_a_moment_have_not_merged() -> None:
    health, points = KeypointHealth(["a", "b", "c", "d"]), make_points()
    points[:20, 2] = points[:20, 0]
    health.add(points)
    assert not health.report().merged


def test_what_other_processes_noted_counts(monkeypatch) -> None:
    """Here a and c are in one place; in the other process, which noted as much, they are far apart."""
    health, other = KeypointHealth(["a", "b", "c", "d"]), KeypointHealth(["a", "b", "c", "d"])
    points = make_points()
    other.add(points)
    points[:, 2] = points[:, 0] + 0.003
    health.add(points)
    assert health.report().merged
    state = iter(other.state()[name] for name in ("n", "distances", "sums", "squares"))
    monkeypatch.setattr("bkind3d.training.history.sum_over_processes", lambda value: value + next(state))
    assert not health.report().merged


def test_all_in_one_place_is_a_collapse_and_state_survives() -> None:
    health, again = KeypointHealth(["a", "b", "c", "d"]), KeypointHealth(["a", "b", "c", "d"])
    health.add(make_points()[:, :1].expand(-1, 4, -1))
    again.restore(health.state(), torch.device("cpu"))
    assert health.report() == again.report()
    assert again.report().collapsed
    assert str(again.report()) == "all keypoints are in one place"
