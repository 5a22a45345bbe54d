"""Qualisys' XML as its own numbers: subpixels, and cameras that look along -z with y up."""

from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_points, make_rig, see

NAMES = ["26578", "26579", "26580"]


def write_qualisys(path: Path, rig: list[KnownCamera], left: int = 0, viewrotation: int = 0) -> Path:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<calibration type="regular"><cameras>']
    for camera in rig:
        axes = np.diag([1, -1, -1]) @ camera.rotation
        x, y, z = -camera.rotation.T @ camera.translation
        turned = " ".join(f'r{row + 1}{column + 1}="{float(axes[row, column])}"' for row in range(3) for column in range(3))
        (fx, skew, cx), (_, fy, cy), _ = camera.matrix
        k, p = camera.k, camera.p
        lines += [
            f'<camera active="1" serial="{camera.name}" viewrotation="{viewrotation}" avg-residual="0.4">',
            f'<fov_video left="{left}" top="0" right="{left + camera.size[0] - 1}" bottom="{camera.size[1] - 1}"/>',
            f'<transform x="{float(x)}" y="{float(y)}" z="{float(z)}" {turned}/>',
            f'<intrinsic focalLengthU="{float(64 * fx)}" focalLengthV="{float(64 * fy)}" skew="{float(64 * skew)}"',
            f'centerPointU="{float(64 * (cx + left))}" centerPointV="{float(64 * cy)}"',
            f'radialDistortion1="{k[0]}" radialDistortion2="{k[1]}" radialDistortion3="{k[2]}"',
            f'tangentalDistortion1="{p[0]}" tangentalDistortion2="{p[1]}"/>',
            "</camera>",
        ]
    path.write_text("\n".join([*lines, "</cameras></calibration>"]))
    return path


@pytest.mark.parametrize("left", [0, 64])
def test_cameras_are_read(tmp_path: Path, left: int) -> None:
    rig = make_rig(NAMES)
    cameras, given = read_given_cameras(write_qualisys(tmp_path / "rig.qca.txt", rig, left))
    assert list(cameras) == NAMES
    assert given.units == "mm"
    for known in rig:
        assert cameras[known.name].size == known.size
        assert np.abs(project_through_lens(cameras[known.name], make_points()) - see(known, make_points())).max() < 1e-9


def test_a_turned_view_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_given_cameras(write_qualisys(tmp_path / "rig.xml", make_rig(NAMES), viewrotation=90))
    assert "camera 26578 is shown turned by 90 degrees" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<intrinsic", "<intrinsics", "camera '26578': element 'intrinsic' is missing"),
        ("r11=", "q11=", "camera '26578': element 'transform' has no 'r11'"),
        ('x="', 'x="nan" u="', "camera '26578': translation contains a number that is not finite"),
        ('x="', 'x="far" u="', "camera '26578': element 'transform' is not 3 numbers"),
        ('serial="26579"', 'serial="26578"', "two cameras have the serial number '26578'"),
        ("<camera ", "<lens ", "not valid XML"),
        ("cameras>", "devices>", "has no element 'cameras/camera'"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write_qualisys(tmp_path / "rig.qca.txt", make_rig(NAMES))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        read_given_cameras(path)


@pytest.mark.real_data
def test_the_real_file_agrees_with_its_conversion_by_pose2sim(real_data: Path) -> None:
    folder = real_data / "pose2sim_single"
    (cameras, _), (converted, _) = read_given_cameras(folder / "Calib.qca.txt"), read_given_cameras(folder / "Calib_qualisys.toml")
    for found, other in zip(cameras.values(), converted.values(), strict=True):
        assert found.size == other.size
        assert np.allclose(found.matrix, other.matrix, atol=1e-6)
        assert np.allclose(found.rotation, other.rotation, atol=1e-9)
        assert np.allclose(found.centre, 1000 * other.centre, atol=1e-6)
        # Pose2Sim divides the coefficients by 64, too (docs/calibration-formats.md).
        assert np.allclose(found.distortion, 64 * other.distortion, atol=1e-6)
