"""Files of Label3D, such as DANNCE's ``*_dannce.mat``."""

from pathlib import Path

import numpy as np

from bkind3d.calibration.formats.matlab import convert_camera, read_variables
from bkind3d.calibration.formats.reading import GivenRig
from bkind3d.config import InputError

_KEYS = (("K",), ("RDistort",), ("TDistort",), ("r", "R"), ("t", "T"))


def read(path: Path) -> GivenRig:
    """Read the cameras; their units are as the user calibrated, mostly mm."""
    content = read_variables(path)
    if "params" not in content:
        raise InputError(
            path, "has no variable 'params', so it is not of Label3D or DANNCE", "give the file with the cameras (*_dannce.mat)"
        )
    cameras = content["params"] if isinstance(content["params"], list) else [content["params"]]
    names = content.get("camnames")
    if names is None:
        names = [f"Camera{number + 1}" for number in range(len(cameras))]
    names = [names] if isinstance(names, str) else [str(name) for name in np.ravel(names)]
    if len(names) != len(cameras):
        raise InputError(path, f"has {len(cameras)} cameras in 'params' and {len(names)} names in 'camnames'", "save it again with Label3D")
    return GivenRig({name: convert_camera(name, camera, _KEYS, path) for name, camera in zip(names, cameras, strict=True)})
