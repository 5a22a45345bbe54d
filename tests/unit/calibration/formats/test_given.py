import os
import signal
from pathlib import Path

import pytest

from bkind3d.calibration.formats.given import read_apart
from bkind3d.config import InputError


def count_bytes(path: Path) -> int:
    return len(path.read_bytes())


def refuse(path: Path) -> int:
    raise InputError(f"{path}: is wrong")


def crash(path: Path) -> int:
    """End at once, as a library in C does with some damaged files."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_what_is_read_comes_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert read_apart(count_bytes, tmp_path / "a") == 3


def test_refusals_come_back(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a: is wrong"):
        read_apart(refuse, tmp_path / "a")


def test_a_crash_of_the_reader_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a: is damaged, so that nothing can read it; copy it again"):
        read_apart(crash, tmp_path / "a")
