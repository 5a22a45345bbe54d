import errno
import os
import subprocess
import sys

import pytest

from bkind3d.config import InputError
from bkind3d.data.locks import MACHINE, is_alive, release_lock, take_lock

HOLD = "import sys; from pathlib import Path; from bkind3d.data.locks import take_lock; held = take_lock(Path(sys.argv[1])); print(1, flush=True); input()"


@pytest.fixture
def without_locks(monkeypatch):
    """As on a network file system that has none."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)


def test_a_lock_ends_with_its_process(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "1\n"
        assert is_alive(other.pid)
        with pytest.raises(BlockingIOError, match=rf"^process {other.pid} on {MACHINE}$"):
            take_lock(tmp_path / "lock")
        other.kill()
        other.wait()
        assert not is_alive(other.pid)
        held = take_lock(tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == f"process {os.getpid()} on {MACHINE}"
    release_lock(held)
    assert (tmp_path / "lock").read_text() == ""


def test_without_locks_a_process_of_this_machine_that_is_gone_holds_nothing(tmp_path, without_locks, caplog):
    gone = subprocess.Popen(["true"])
    gone.wait()
    for owner in ("", f"process {gone.pid} on {MACHINE}"):
        (tmp_path / "lock").write_text(owner)
        release_lock(take_lock(tmp_path / "lock"))
        assert "there are no locks on this file system (No locks available)" in caplog.text
        caplog.clear()


@pytest.mark.parametrize(
    "owner", [f"process {os.getpid()} on {MACHINE}", "process 1 on another-node"], ids=["of this machine", "of another"]
)
def test_without_locks_a_process_that_may_live_holds_its_lock(tmp_path, without_locks, owner):
    (tmp_path / "lock").write_text(owner)
    with pytest.raises(BlockingIOError, match=rf"^{owner} \(as far as can be seen: .* if it is gone, remove {tmp_path}/lock\)$"):
        take_lock(tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == owner


def test_a_lock_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"lock: cannot be written \(File exists\)"):
        take_lock(tmp_path / "file/lock")
