import logging
import os
import signal
from pathlib import Path

import pytest

from bkind3d.calibration.formats.reading import read_apart, read_given_cameras
from bkind3d.config import InputError
from tests.unit.calibration.formats.rigs import make_rig
from tests.unit.calibration.formats.test_aniposelib import write_pose2sim
from tests.unit.calibration.formats.test_matlab import write_label3d

NAMES = ["Camera1", "Camera2", "Camera3"]


def test_what_the_file_says_about_its_size_counts(tmp_path: Path) -> None:
    path = write_pose2sim(tmp_path / "a.toml", make_rig(NAMES))
    assert read_given_cameras(path, sizes={"Camera1": (1152, 1024)})[0]["Camera1"].size == (1152, 1024)
    with pytest.raises(InputError, match=r"camera 'Camera1' is for 1152\.0x1024\.0 pixels, the size given is 640x512; leave it out"):
        read_given_cameras(path, sizes={"": (640, 512)})
    with pytest.raises(InputError, match="has no camera 'top', whose size is given; it has Camera1, Camera2, Camera3"):
        read_given_cameras(path, sizes={"top": (640, 512)})


def test_a_size_that_leaves_the_principal_point_outside_is_remarked_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_label3d(tmp_path / "a.mat", make_rig(NAMES))
    read_given_cameras(path, sizes={"": (1152, 1024)})
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    read_given_cameras(path, sizes={"": (640, 480)})
    assert "the principal point of camera Camera1, (570.3, 515.8), lies outside of its picture of 640x480" in caplog.text


def test_an_unknown_ending_needs_a_format(tmp_path: Path) -> None:
    path = write_pose2sim(tmp_path / "a.toml", make_rig(NAMES)).rename(tmp_path / "a.cal")
    with pytest.raises(InputError, match=r"a\.cal: calibration files end with \.toml, \.mat"):
        read_given_cameras(path)
    assert len(read_given_cameras(path, "aniposelib")[0]) == 3


def test_subjects_are_human36ms_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this one is of aniposelib; leave the subject out"):
        read_given_cameras(write_pose2sim(tmp_path / "a.toml", make_rig(NAMES)), subject="S1")


def count_bytes(path: Path) -> int:
    return len(path.read_bytes())


def refuse(path: Path) -> int:
    raise InputError(path, "is wrong")


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
