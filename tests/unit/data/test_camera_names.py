from pathlib import Path

import pytest

from bkind3d.config import InputError
from bkind3d.data.camera_names import read_camera_names


def test_names_are_read_without_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[cam_0]\nname = "top"\n[cam_1]\nmatrix = 3\n[metadata]\nerror = 1\n')
    assert read_camera_names(tmp_path / "a.toml") == ["top", "cam_1"]
    (tmp_path / "a.toml").write_text("[cameras.0]\nmatrix = 3\n[cameras.7]\n")
    assert read_camera_names(tmp_path / "a.toml") == ["cam_0", "cam_7"]
    (tmp_path / "a.toml").write_text("[cameras]\ncam = 3\n")
    with pytest.raises(InputError, match="'cam' is not a table of a camera"):
        read_camera_names(tmp_path / "a.toml")
