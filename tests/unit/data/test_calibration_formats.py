from pathlib import Path

import pytest

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import list_formats, match_cameras, parse_sizes, read_camera_names


def test_the_ending_tells_what_a_file_may_be() -> None:
    assert list_formats("rig.qca.txt") == ["qualisys"]
    assert list_formats(Path("a/Rig.TOML")) == ["aniposelib", "caliscope"]
    for name in ("rig.ods", "rig"):
        with pytest.raises(InputError, match=rf"{name}: calibration files end with \.toml, .*or name its format: aniposelib, "):
            list_formats(name)


def test_sizes_are_of_all_cameras_or_of_one() -> None:
    assert parse_sizes("", "here") == {}
    assert parse_sizes("1280x1024", "here") == {"": (1280, 1024)}
    assert parse_sizes("cam1=1280x1024  top=640x512 320x256", "here") == {"cam1": (1280, 1024), "top": (640, 512), "": (320, 256)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1280", "here: '1280' is no picture size; write 1280x1024"),
        ("1280x0", "'1280x0' is no picture size"),
        ("1280 x 1024", "'1280' is no picture size"),
        ("a=1280*1024", "'a=1280.1024' is no picture size"),
        ("=1280x1024", "'=1280x1024' is no picture size"),
        ("-1x5", "'-1x5' is no picture size"),
        ("a=1x1 a=2x2", "two sizes are given for camera 'a'"),
        ("1x1 2x2", "two sizes are given for all cameras"),
    ],
)
def test_what_is_no_size_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_sizes(text, "here")


def test_names_are_read_without_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[cam_0]\nname = "top"\n[cam_1]\nmatrix = 3\n[metadata]\nerror = 1\n')
    assert read_camera_names(tmp_path / "a.toml") == ["top", "cam_1"]
    (tmp_path / "a.toml").write_text("[cameras.0]\nmatrix = 3\n[cameras.7]\n")
    assert read_camera_names(tmp_path / "a.toml") == ["cam_0", "cam_7"]
    (tmp_path / "a.toml").write_text("[cameras]\ncam = 3\n")
    with pytest.raises(InputError, match="'cam' is not a table of a camera"):
        read_camera_names(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("found", "wanted", "matched"),
    [
        (["cam_01", "cam_02"], ["cam1", "cam2"], ["cam_01", "cam_02"]),
        (["0", "1"], ["camera_0", "camera_1"], ["0", "1"]),
        (["Camera1", "Camera2"], ["2", "1"], ["Camera2", "Camera1"]),
        (["Miqus 01", "Miqus 02"], ["miqus_1", "miqus_2"], ["Miqus 01", "Miqus 02"]),
        (["left", "right"], ["right", "left"], ["right", "left"]),
    ],
)
def test_cameras_are_found_by_name_or_number(found, wanted, matched):
    assert list(match_cameras(found, wanted, "a.toml").values()) == matched


@pytest.mark.parametrize("wanted", [["rec_1", "rec_2"], ["cam1", "rec2"], ["cam1_2", "cam2_2"], ["day1", "day2"]])
def test_a_number_alone_makes_no_camera(wanted):
    with pytest.raises(InputError, match="is not in the calibration"):
        match_cameras(["cam_1", "cam_2"], wanted, "a.toml")
