import logging
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.apart import read_apart
from bkind3d.geometry.lenses import project_through_lens
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
    path = write_pose2sim(tmp_path / "a.toml", make_rig(NAMES)).rename(tmp_path / "a.ods")
    with pytest.raises(InputError, match=r"a\.ods: calibration files end with \.toml, \.mat"):
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


def test_a_folder_is_refused_with_the_file_that_is_to_be_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"is a folder; none of its files is a calibration of a known format; .*calibration-formats\.md"):
        read_given_cameras(tmp_path)
    write_pose2sim(tmp_path / "rig.toml", make_rig(NAMES))
    with pytest.raises(InputError, match=r"is a folder; give .*rig\.toml, which has 3 cameras \(aniposelib\)"):
        read_given_cameras(tmp_path)


def test_an_unknown_form_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "rig.json").write_text('{"cameras": [1, 2]}')
    with pytest.raises(InputError, match=r"can be written into a table, see docs/calibration-formats\.md"):
        read_given_cameras(tmp_path / "rig.json")


def test_a_lens_of_opencap_is_told_to_be_one(real_data: Path) -> None:
    with pytest.raises(InputError, match=r"is OpenCap's lens of one camera, which says nothing of where cameras stand"):
        read_given_cameras(next((real_data / "calibrations/opencap_pickle").rglob("*.pickle")))


def test_fisheye_lenses_of_a_real_rig_are_read(real_data: Path) -> None:
    path = real_data / "calibrations/freemocap_fisheye_toml/freemocap/fmc_calibration/previous_calibration.toml"
    cameras = read_given_cameras(path)[0]
    assert len(cameras) == 5
    assert all(camera.fisheye and len(camera.distortion) == 4 for camera in cameras.values())
    points = np.random.default_rng(0).uniform(-300, 300, (50, 3)) + [0, 0, 1500]
    camera = cameras["2"]
    expected = cv2.fisheye.projectPoints(
        points[None], cv2.Rodrigues(camera.rotation)[0], camera.translation, camera.matrix, camera.distortion
    )[0]
    inside = (points @ camera.rotation.T + camera.translation)[:, 2] > 0
    assert np.abs(project_through_lens(camera, points) - expected[0])[inside].max() < 1e-6


def test_cameras_that_look_into_water_are_refused(tmp_path: Path) -> None:
    (tmp_path / "fish.json").write_text('{"cameras": [], "refractive_index": 1.333}')
    with pytest.raises(InputError, match="look through water or glass"):
        read_given_cameras(tmp_path / "fish.json")
