"""A rig's cameras: intrinsics, distortion and pose, as plain arrays.

World frame: right-handed, in the rig's units, z up where the calibration knows it. Camera frame: x right, y down, z
forward (OpenCV). Pixel frame: (0, 0) is the *centre* of the top-left pixel.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

#: Numbers of any shape.
Array = Float[NDArray, "..."]
#: Cameras are held upright where their mean up vector is nearly as long as one of them along an axis; they look along an axis, and say
#: nothing of what is up, where their mean optical axis is.
_UPRIGHT, _ALONG = 0.6, 0.8


def upright_rotation(up: str) -> Float[NDArray, "3 3"]:
    """(3, 3) turns a world in which the axis `up` (x, y, z, -x, -y or -z) points up into one in which z does.

    z: nothing is turned. x and y: the axes are exchanged in a circle. Down: half a turn more, about x.
    """
    turn = np.roll(np.eye(3), "zxy".index(up.removeprefix("-")), axis=1)
    return np.diag([1.0, -1.0, -1.0]) @ turn if up.startswith("-") else turn


@dataclass(frozen=True)
class Camera:
    """One calibrated camera.

    Attributes
    ----------
    name : as in the sheet.
    size : (width, height) in pixels of the pictures that `matrix` belongs to.
    matrix : (3, 3) intrinsics, pixels; ``matrix[0, 1]`` is the skew.
    distortion : (5,) OpenCV order k1 k2 p1 p2 k3, with its further coefficients (8, 12 or 14), or (4,) for a fisheye lens.
    rotation : (3, 3) world to camera.
    translation : (3,) world to camera, world units: ``x_camera = rotation @ x_world + translation``.
    fisheye : whether `distortion` follows OpenCV's fisheye model.
    """

    name: str
    size: tuple[int, int]
    matrix: Float[NDArray, "3 3"]
    distortion: Float[NDArray, "coefficient"]
    rotation: Float[NDArray, "3 3"]
    translation: Float[NDArray, "3"]
    fisheye: bool = False

    @property
    def centre(self) -> Float[NDArray, "3"]:
        """(3,) position of the camera, world units."""
        return np.asarray(-self.rotation.T @ self.translation)

    @property
    def extrinsics(self) -> Float[NDArray, "4 4"]:
        """(4, 4) maps homogeneous world points to homogeneous points in the camera's frame."""
        return np.block([[self.rotation, self.translation[:, None]], [np.zeros(3), 1.0]])

    @property
    def projection(self) -> Float[NDArray, "3 4"]:
        """(3, 4) maps homogeneous world points to homogeneous *undistorted* pixels."""
        return np.asarray(self.matrix @ self.extrinsics[:3])

    def resized(self, size: tuple[int, int]) -> "Camera":
        """The same camera for pictures resized to `size` (width, height): pixel *edges* are scaled, not centres."""
        scale_x, scale_y = size[0] / self.size[0], size[1] / self.size[1]
        change = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2], [0, 0, 1]])
        return replace(self, size=size, matrix=change @ self.matrix)

    def moved(self, rotation: Float[NDArray, "3 3"], translation: Float[NDArray, "3"]) -> "Camera":
        """The same camera in a new world: ``x_new = rotation @ x_old + translation``."""
        turned = self.rotation @ rotation.T
        return replace(self, rotation=turned, translation=self.translation - turned @ translation)


def find_up(cameras: Collection[Camera]) -> str | None:
    """The axis of the world (x, y, z, -x, -y or -z) that points up in the pictures of most cameras; none where that cannot be said.

    People hold cameras upright. Where all look along one axis, as from the ceiling, their own up vectors say nothing of it: then there is none.
    """
    ups = -np.array([camera.rotation[1] for camera in cameras])
    mean = ups.mean(axis=0)
    ahead = np.array([camera.rotation[2] for camera in cameras]).mean(axis=0)
    return name_axis(mean) if np.abs(mean).max() >= _UPRIGHT and np.abs(ahead).max() <= _ALONG else None


def name_axis(direction: Float[NDArray, "3"]) -> str:
    """The axis (x, y, z, -x, -y or -z) that a direction is nearest to."""
    place = int(np.abs(direction).argmax())
    return ("-" if direction[place] < 0 else "") + "xyz"[place]


def axis_vector(axis: str) -> Float[NDArray, "3"]:
    """The direction of an axis (x, y, z, -x, -y or -z)."""
    return np.asarray((-1.0 if axis.startswith("-") else 1.0) * np.eye(3)["xyz".index(axis.removeprefix("-"))])
