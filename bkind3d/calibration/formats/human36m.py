"""Human3.6M's ``metadata.xml``: the cameras of all subjects in one list of 300 numbers."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from bkind3d.calibration.formats.reading import GivenRig, read_numbers, read_xml
from bkind3d.config import InputError
from bkind3d.geometry.cameras import Array

N_CAMERAS, N_SUBJECTS = 4, 11
#: Pictures of two of the cameras are 2 pixels higher.
_SIZES = {"54138969": (1000, 1002), "55011271": (1000, 1000), "58860488": (1000, 1000), "60457274": (1000, 1002)}


def read_subject(path: Path, subject: str) -> GivenRig:
    """Read the cameras as they stood for a subject, S1 to S11; world in mm, z up.

    The list holds, per camera and subject, three angles and the camera's position, then per camera focal lengths,
    principal point, k1 to k3, p1 and p2 (https://github.com/karfly/human36m-camera-parameters).
    """
    try:
        number = [f"S{number + 1}" for number in range(N_SUBJECTS)].index(subject)
    except ValueError:
        raise InputError(path, f"has the cameras of subjects S1 to S{N_SUBJECTS}, not of {subject!r}", "name one of these") from None
    root = read_xml(path)
    numbers = root.findtext("w0")
    if numbers is None:
        raise InputError(
            path, "has no element 'w0', so it is not the metadata.xml of Human3.6M", "give a file of this format, or say which it has"
        )
    cells = numbers.strip().strip("[]").replace(",", " ").replace(";", " ").split()
    parameters = read_numbers(cells, (6 * N_CAMERAS * N_SUBJECTS + 9 * N_CAMERAS,), path, "element 'w0'")
    names = [(node.text or "").strip() for node in root.findall("dbcameras/index2id/*")]
    if len(names) != N_CAMERAS:
        raise InputError(path, f"element 'dbcameras/index2id' has {len(names)} cameras, expected {N_CAMERAS}", "copy it again")
    poses = parameters[: 6 * N_CAMERAS * N_SUBJECTS].reshape(N_CAMERAS, N_SUBJECTS, 6)[:, number]
    lenses = parameters[6 * N_CAMERAS * N_SUBJECTS :].reshape(N_CAMERAS, 9)
    tables = {}
    for name, pose, lens in zip(names, poses, lenses, strict=True):
        rotation = Rotation.from_euler("XYZ", pose[:3]).as_matrix()
        tables[name] = {
            "name": name,
            **({"size": _SIZES[name]} if name in _SIZES else {}),
            "matrix": np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1]]),
            "distortions": _convert_distortion(lens[4:]),
            "rotation": rotation,
            "translation": -rotation @ pose[3:],
        }
    return GivenRig(tables, units="mm")


def _convert_distortion(given: Array) -> Array:
    """(12,) OpenCV's coefficients that distort as the data set's own formula does.

    Its tangential part, ``x (p1 y + p2 x) + p2 r^2``, has half of OpenCV's mixed terms: it is OpenCV's with p1 / 2 and
    p2 / 2, and what is left, p2 / 2 r^2 in x and p1 / 2 r^2 in y, is OpenCV's thin prism.
    """
    k1, k2, k3, p1, p2 = given
    return np.array([k1, k2, p1 / 2, p2 / 2, k3, 0, 0, 0, p2 / 2, 0, p1 / 2, 0])
