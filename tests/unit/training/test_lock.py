import errno
import os
import subprocess
import sys

import pytest

from bkind3d.config import InputError
from bkind3d.training.lock import locked


def test_one_process_at_a_time_trains_a_model(tmp_path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    code = f"from pathlib import Path\nfrom bkind3d.training.lock import locked\nwith locked(Path({str(folder)!r})): print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "1\n"
        with pytest.raises(InputError, match=rf"process {other.pid} on .* trains this model right now"), locked(folder):
            pass
        other.kill()
        other.wait()
        with locked(folder):
            assert (folder / "lock").read_text().startswith(f"process {os.getpid()}")


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with pytest.raises(InputError, match=r"cannot be locked \(No locks available\); keep results on a file system"), locked(tmp_path):
        pass
