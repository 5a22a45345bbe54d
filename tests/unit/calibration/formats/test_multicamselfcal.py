"""A folder of MultiCamSelfCal."""

from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_rig


def write_multicamselfcal(path: Path, rig: list[KnownCamera], scale: float = 0.01) -> Path:
    np.savetxt(path.parent / "Res.dat", [camera.size for camera in rig], fmt="%d")
    for number, camera in enumerate(rig, start=1):
        projection = scale * camera.matrix @ np.hstack([camera.rotation, camera.translation[:, None]])
        np.savetxt(path.parent / f"camera{number}.Pmat.cal", projection, fmt="%.17g")
        lens = [f"K{row + 1}{column + 1} = {camera.matrix[row, column]!r}" for row in range(3) for column in range(3)]
        lens += [f"kc{index} = {value!r}" for index, value in enumerate((*camera.k[:2], *camera.p), start=1)]
        (path.parent / f"basename{number}.rad").write_text("\n".join(lens).replace("np.float64(", "").replace(")", "") + "\n")
    return path


def test_a_real_rig_sees_its_own_points(real_data: Path) -> None:
    folder = real_data / "calibrations/mcsc_flydra_5cam/flydra_analysis/tests/sample_calibration"
    cameras, _ = read_given_cameras(folder / "camera1.Pmat.cal")
    assert list(cameras) == [f"cam{number}_0" for number in range(1, 6)]
    for number, (camera, centre) in enumerate(zip(cameras.values(), np.loadtxt(folder / "Cst.dat"), strict=True), start=1):
        points = np.loadtxt(folder / f"cam{number}.points4cal.dat")
        errors = np.linalg.norm(project_through_lens(camera, points[:, :3]) - points[:, 4:6], axis=1)
        # Pmat alone, to undistorted pixels, is 0.4 to 1.2 px off.
        assert np.median(errors) < 0.25
        assert np.linalg.norm(camera.centre - centre) < 1e-3 * np.linalg.norm(centre)


def test_a_projection_with_the_other_sign_is_the_same_camera(tmp_path: Path) -> None:
    for scale, folder in ((1.0, tmp_path / "a"), (-3.0, tmp_path / "b")):
        folder.mkdir()
        write_multicamselfcal(folder / "camera1.Pmat.cal", make_rig(["cam1", "cam2"]), scale)
    one, other = (read_given_cameras(tmp_path / name / "camera1.Pmat.cal")[0]["cam1"] for name in "ab")
    np.testing.assert_allclose(one.translation, other.translation, rtol=1e-9, atol=1e-9)


def test_what_lies_beside_it_is_named(tmp_path: Path) -> None:
    write_multicamselfcal(tmp_path / "camera1.Pmat.cal", make_rig(["cam1", "cam2"]))
    with pytest.raises(InputError, match=r"basename1\.cal: is no cameraN\.Pmat\.cal"):
        (tmp_path / "basename1.cal").write_text("C1 = 1\n")
        read_given_cameras(tmp_path / "basename1.cal")
