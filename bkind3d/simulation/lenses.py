"""Pictures through lenses that distort: MuJoCo draws pinhole pictures, which are bent afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import undistort_points
from bkind3d.simulation.floors import Image


@dataclass(frozen=True)
class Lens:
    """How a camera's picture is made.

    Attributes
    ----------
    pinhole : the same camera without distortion, with a margin on all sides, whose picture is drawn.
    columns, rows : (height, width) where each pixel of the distorted picture is found in the pinhole's; None without distortion.
    """

    pinhole: Camera
    columns: Float[NDArray, "..."] | None = None
    rows: Float[NDArray, "..."] | None = None

    def bend(self, picture: Image) -> Image:
        """The distorted picture, out of the pinhole's."""
        if self.columns is None or self.rows is None:
            return picture
        return np.asarray(cv2.remap(picture, self.columns, self.rows, cv2.INTER_LINEAR), dtype=np.uint8)


def make_lenses(cameras: Mapping[str, Camera]) -> dict[str, Lens]:
    """Make the lenses of `cameras`, whose pictures are of one size; so are their pinholes', which need no margin where no camera distorts."""
    if not any(camera.distortion.any() for camera in cameras.values()):
        return {name: Lens(camera) for name, camera in cameras.items()}
    straight = {}
    for name, camera in cameras.items():
        width, height = camera.size
        rows, columns = np.mgrid[:height, :width]
        points = undistort_points(camera, np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
        straight[name] = points.reshape(height, width, 2)
    beyond = [max(-points.min(), (points.max(axis=(0, 1)) - cameras[name].size).max() + 1) for name, points in straight.items()]
    margin = int(np.ceil(max(0.0, *beyond))) + 1
    lenses = {}
    for name, camera in cameras.items():
        matrix = camera.matrix + np.array([[0, 0, margin], [0, 0, margin], [0, 0, 0]])
        size = (camera.size[0] + 2 * margin, camera.size[1] + 2 * margin)
        maps = (straight[name][..., axis].astype(np.float32) + np.float32(margin) for axis in range(2))
        lenses[name] = Lens(replace(camera, size=size, matrix=matrix, distortion=np.zeros(5)), *maps)
    return lenses
