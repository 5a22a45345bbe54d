import pytest

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.doctor.memory import judge_memory


@pytest.mark.parametrize(
    ("free", "status", "step"),
    [
        (100e9, "pass", ""),
        (2.6e9, "warning", "set training.micro_batch_size to 2"),
        (0.5e9, "warning", "set training.activation_checkpointing"),
    ],
)
def test_a_batch_fits_or_is_shared_out(free, status, step):
    experiment = parse_section(ExperimentConfig, {"frames": "subject", "training": {"batch_size": 8}}, "test")
    check = judge_memory("e", experiment, 1e9, free)
    assert check.status == status
    assert check.next_step.startswith(step)
