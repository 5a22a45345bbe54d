"""Asking a cluster what it has, by commands that stand in for SLURM's."""

import pytest

from bkind3d.cluster.slurm import ask, check_log_folder, parse_minutes
from bkind3d.config import InputError


@pytest.mark.parametrize(
    ("text", "minutes"), [("30:00", 30), ("1:30", 1.5), ("1:00:00", 60), ("2-00:00:00", 2880), ("1-02:30:00", 1590), ("infinite", None)]
)
def test_time_limits_are_read_as_sinfo_writes_them(text, minutes):
    assert parse_minutes(text) == minutes


def test_a_machine_without_slurm_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="this machine has no SLURM"):
        ask("sinfo")


def test_a_command_that_fails_is_quoted():
    with pytest.raises(InputError, match="ls failed .*--never"):
        ask("ls", "--never")


def test_a_log_folder_that_cannot_be_written_is_refused(tmp_path):
    check_log_folder(tmp_path / "logs" / "slurm")
    assert not list((tmp_path / "logs" / "slurm").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write their logs there"):
        check_log_folder(tmp_path / "file" / "slurm")
