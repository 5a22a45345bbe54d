"""Human3.6M's poses: CDF files of 32 joints, of which 17 are distinct and used."""

from pathlib import Path

import cdflib
import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError

#: Frames per second of videos and poses.
RATE = 50.0
#: The 17 joints by their number among the data set's 32, in the order of these numbers; the other 15 repeat them or are
#: ends of hands and feet. L and R are the subject's own sides.
JOINTS = {
    0: "Pelvis", 1: "RHip", 2: "RKnee", 3: "RAnkle", 6: "LHip", 7: "LKnee", 8: "LAnkle", 12: "Spine", 13: "Thorax",
    14: "Nose", 15: "Head", 17: "LShoulder", 18: "LElbow", 19: "LWrist", 25: "RShoulder", 26: "RElbow", 27: "RWrist",
}  # fmt: skip
N_JOINTS = 32
#: Farthest (mm) from the world's origin that anybody can be in that room; what is farther was not read rightly.
_FARTHEST = 1e5


def read_poses(path: Path) -> Float[NDArray, "frame 17 3"]:
    """Read the 17 joints from a CDF file of ``D3_Positions``; world (mm, z up), one pose per frame of the videos.

    Raises
    ------
    InputError : where the file is damaged or holds something else.
    """
    try:
        values = np.asarray(cdflib.CDF(path).varget("Pose"), dtype=np.float64)
    except Exception as error:  # what cdflib's parser happens to stumble over: OSError, ValueError, zlib.error, ...
        raise InputError(
            f"{path}: cannot be read as CDF ({' '.join(str(error).split())}); it is truncated or damaged: copy it again"
        ) from None
    if values.size == 0 or values.shape[-1] != 3 * N_JOINTS:
        raise InputError(
            f"{path}: variable 'Pose' has the shape {values.shape}, expected (1, frames, {3 * N_JOINTS}); is it a file of D3_Positions?"
        )
    if not (np.abs(values) < _FARTHEST).all():
        raise InputError(f"{path}: has positions that are no number or beyond {_FARTHEST / 1000:g} m; it is damaged: copy it again")
    return values.reshape(-1, N_JOINTS, 3)[:, list(JOINTS)]


def make_joints(poses: Float[NDArray, "frame 17 3"]) -> pd.DataFrame:
    """The poses as a table ``joints`` that also says when each frame was (time_s)."""
    frames = np.repeat(np.arange(len(poses)), len(JOINTS))
    columns = dict(zip("xyz", poses.reshape(-1, 3).T, strict=True))
    return pd.DataFrame({"frame": frames, "joint": np.tile(list(JOINTS.values()), len(poses)), **columns, "time_s": frames / RATE})
