"""The cameras in the recordings of the Rat7M data set."""

from collections.abc import Mapping
from pathlib import Path

from bkind3d.calibration.formats.matlab import convert_camera, read_variables
from bkind3d.calibration.formats.reading import GivenRig
from bkind3d.config import InputError

_KEYS = (("IntrinsicMatrix",), ("RadialDistortion",), ("TangentialDistortion",), ("rotationMatrix",), ("translationVector",))


def recognise(path: Path) -> bool:
    """Whether a MATLAB file is of Rat7M."""
    return "cameras" in read_variables(path)


def read(path: Path) -> GivenRig:
    """Read the cameras of ``mocap-s1-d1.mat`` by their names: their order in the file is not that of the numbers."""
    cameras = read_variables(path).get("cameras")
    if not isinstance(cameras, Mapping) or not all(isinstance(camera, Mapping) for camera in cameras.values()):
        raise InputError(
            path,
            "has no structure 'cameras' with one field per camera, so it is not of Rat7M",
            "give a file of this format, or say which it has",
        )
    return GivenRig({name: convert_camera(name, cameras[name], _KEYS, path) for name in sorted(cameras)}, units="mm")
