"""Running averages: their values, micro-batches, state."""

import pytest
import torch

from bkind3d.losses import running_mean
from bkind3d.losses.running_mean import RunningMean, commit_running_means


def test_first_observation_starts_it_and_later_ones_move_it_slowly() -> None:
    mean = RunningMean(2, momentum=0.9)
    assert mean(torch.tensor([1.0, 2.0])).tolist() == [1, 2]
    commit_running_means(mean)
    assert mean(torch.tensor([11.0, 2.0])).tolist() == [1, 2]
    commit_running_means(mean)
    assert mean.value.tolist() == pytest.approx([2, 2])


def test_micro_batches_of_one_step_count_as_one_batch() -> None:
    whole, parts = RunningMean(1, 0.5), RunningMean(1, 0.5)
    for step in ([1.0, 3.0], [5.0, 7.0]):
        whole(torch.tensor([sum(step) / 2]))
        for part in step:
            parts(torch.tensor([part]))
        commit_running_means(torch.nn.ModuleList([whole, parts]))
    assert parts.value.item() == pytest.approx(whole.value.item()) == pytest.approx(4)
    assert parts.steps == 2


def test_evaluation_only_reads() -> None:
    mean = RunningMean(1)
    mean(torch.tensor([3.0]))
    mean.commit()
    mean.eval()
    assert mean(torch.tensor([100.0])).item() == 3
    mean.commit()
    assert mean.value.item() == 3


def test_state_survives_a_round_trip() -> None:
    mean, restored = RunningMean(2), RunningMean(2)
    mean(torch.tensor([1.0, 2.0]))
    mean.commit()
    restored.load_state_dict(mean.state_dict())
    for both in (mean, restored):
        both(torch.tensor([4.0, 4.0]))
        both.commit()
    assert torch.equal(mean.value, restored.value)
    assert restored.steps == 2


def test_a_training_that_never_commits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_mean, "_MOST_PENDING", 3)
    mean = RunningMean(1)
    for _ in range(3):
        mean(torch.ones(1))
    with pytest.raises(RuntimeError, match="call commit_running_means"):
        mean(torch.ones(1))


def test_processes_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that observe 1 and 3 both end at 2: the other's share is added where gradients would be."""
    mean = RunningMean(1)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda total: total.add_(torch.tensor([3.0, 1.0])))
    mean(torch.tensor([1.0]))
    mean.commit()
    assert mean.value.item() == 2


def test_observations_count_by_their_samples_and_may_be_discarded() -> None:
    mean = RunningMean(1)
    mean(torch.tensor([1.0]), 3)
    mean(torch.tensor([5.0]), 1)
    mean.commit()
    assert mean.value.item() == mean.first.item() == 2
    mean(torch.tensor([float("nan")]))
    mean.discard()
    mean.commit()
    assert mean.value.item() == 2
    assert mean.steps == 1
