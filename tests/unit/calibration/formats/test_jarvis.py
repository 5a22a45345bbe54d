"""A folder of JARVIS: a YAML file for each camera, K and R transposed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from tests.unit.calibration.formats.rigs import KnownCamera, make_rig


def write_jarvis(path: Path, rig: list[KnownCamera]) -> Path:
    for camera in rig:
        storage = cv2.FileStorage(str(path.parent / f"{camera.name}.yaml"), cv2.FILE_STORAGE_WRITE)
        for key, values in {
            "intrinsicMatrix": camera.matrix.T,
            "distortionCoefficients": np.array([[*camera.k[:2], *camera.p, camera.k[2]]]),
            "R": camera.rotation.T,
            "T": camera.translation[:, None],
        }.items():
            storage.write(key, np.ascontiguousarray(values))
        storage.release()
    return path


def test_matrices_that_are_not_transposed_are_refused(tmp_path: Path) -> None:
    rig = [KnownCamera(**{**vars(camera), "matrix": camera.matrix.T}) for camera in make_rig(["a", "b"])]
    with pytest.raises(InputError, match="no principal point in its last row"):
        read_given_cameras(write_jarvis(tmp_path / "a.yaml", rig), sizes={"": (1280, 1024)})


def test_a_real_rig_agrees_with_its_essential_matrix(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "calibrations/jarvis_yaml"
    cameras, _ = read_given_cameras(folder / "Camera_T.yaml", sizes={"": (1280, 1024)})
    assert list(cameras) == ["Camera_LC", "Camera_RC", "Camera_T"]
    # The two at the sides look at each other, across what the third one sees from above.
    assert cameras["Camera_LC"].rotation[2] @ cameras["Camera_RC"].rotation[2] < -0.9
    for file in folder.iterdir():
        text = (
            file.read_text().replace("-5.7064864044707420e+01", "5.7064864044707420e+01")
            if file.name == "Camera_LC.yaml"
            else file.read_text()
        )
        (tmp_path / file.name).write_text(text)
    with pytest.raises(InputError, match=r"Extrinsics_Camera_T_Camera_LC\.yaml: its essential matrix is not that of camera 'Camera_LC'"):
        read_given_cameras(tmp_path / "Camera_T.yaml", sizes={"": (1280, 1024)})
