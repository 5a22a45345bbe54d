"""The part of a camera's picture in which the subject may be, drawn by the user: white there, black elsewhere."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from bkind3d.config import InputError

#: The drawing may have another size than the video, but its sides the same ratio, to this share.
_SAME_SHAPE = 0.02


def read_region(path: str | Path, video_size: tuple[int, int], size: tuple[int, int]) -> Bool[NDArray, "height width"]:
    """Read the drawing (PNG, JPEG, ...) at `path`, resized to the survey picture of `size` (width, height).

    Raises
    ------
    InputError : where it cannot be read, has another shape than the video's pictures (`video_size`), or is black everywhere.
    """
    drawn = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if drawn is None:
        raise InputError(f"{path}: cannot be read as a picture; draw the mask as PNG, white where the subject may be")
    height, width = drawn.shape
    if abs(width * video_size[1] / (height * video_size[0]) - 1) > _SAME_SHAPE:
        raise InputError(
            f"{path}: is {width}x{height}, the video {video_size[0]}x{video_size[1]}; draw the mask on a whole picture of this camera"
        )
    region = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA) > 127)
    if not region.any():
        raise InputError(f"{path}: is black everywhere; paint white where the subject may be")
    return region
