import errno
import logging
import os
import subprocess
import sys

import pytest

from bkind3d.config import InputError
from bkind3d.training.folder import hold_folder


def test_one_process_at_a_time_trains_a_model(tmp_path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    code = f"from pathlib import Path\nfrom bkind3d.training.folder import hold_folder\nwith hold_folder(Path({str(folder)!r})): print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "1\n"
        with pytest.raises(InputError, match=rf"process {other.pid} on .* trains this model right now"), hold_folder(folder):
            pass
        other.kill()
        other.wait()
        with hold_folder(folder):
            assert (folder / "lock").read_text().startswith(f"process {os.getpid()}")


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with pytest.raises(InputError, match=r"cannot be locked \(No locks available\); keep results on a file system"), hold_folder(tmp_path):
        pass


def test_a_log_keeps_every_run_and_ends_with_it(tmp_path):
    log = logging.getLogger("bkind3d.training.test")
    for run in ("first", "second"):
        with hold_folder(tmp_path):
            log.warning("the %s run", run)
        log.warning("afterwards")
    assert [line.split(": ")[1] for line in (tmp_path / "training.log").read_text().splitlines()] == ["the first run", "the second run"]
