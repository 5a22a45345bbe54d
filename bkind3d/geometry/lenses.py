"""Lenses: from world points to the pixels of a real, distorted picture and back, and the maps that undistort pictures.

Pixels: (0, 0) is the centre of the top-left pixel. "Undistorted pixels" are those of a camera with the same `matrix` and
no distortion. Distortion models are OpenCV's (Brown-Conrady, or fisheye after Kannala and Brandt). OpenCV passes over
the skew of a matrix; here it counts, because MATLAB's calibrations have one, of up to some pixels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Camera

#: Iterations of the inverse of the distortion, which has no closed form.
_UNDISTORT_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-10)

#: Angles to the optical axis (degrees, below 90) and half a turn at which a lens is looked at.
_LOOKED_AT = 20_000
#: Points per window pixel and side at which a picture that is much larger than the window is looked up.
_FINE = 2


def project_through_lens(camera: Camera, points: Float[NDArray, "point 3"]) -> Float[NDArray, "point 2"]:
    """Project world points to the pixels of the camera's distorted picture; NaN for points behind the camera or beyond its lens."""
    in_camera = camera.rotation @ points.T + camera.translation[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rays = in_camera[:2] / in_camera[2]
        ahead = (in_camera[2] > 0) & (np.hypot(*rays) < find_lens_limit(camera))
        rays[:, ~ahead] = np.nan
        columns, rows = _distort(camera, rays)
    pixels = np.empty((len(points), 2))
    pixels[:, 0] = camera.matrix[0, 0] * columns + camera.matrix[0, 1] * rows + camera.matrix[0, 2]
    pixels[:, 1] = camera.matrix[1, 1] * rows + camera.matrix[1, 2]
    return pixels


def _distort(camera: Camera, rays: Float[NDArray, "2 point"]) -> Float[NDArray, "2 point"]:
    """Where points at x/z, y/z of an ideal camera are seen by this one, in the same measure (OpenCV's formula).

    OpenCV's own function always computes 30 derivatives per point beside it, which takes five times as long. Fisheye lenses
    and tilted sensors are left to it.
    """
    distortion = camera.distortion
    if not rays.size:  # which OpenCV answers with nothing
        return rays
    if camera.fisheye or distortion[12:].any():
        project = cv2.fisheye.projectPoints if camera.fisheye else cv2.projectPoints
        upright = np.concatenate([rays, np.ones_like(rays[:1])]).T[:, None].copy()
        return np.asarray(project(upright, np.zeros(3), np.zeros(3), np.eye(3), distortion)[0].reshape(-1, 2).T)
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = np.pad(distortion[:12], (0, 12 - len(distortion[:12])))
    x, y = rays
    xx, yy, xy = x * x, y * y, x * y
    rr = xx + yy
    radial = (1 + rr * (k1 + rr * (k2 + rr * k3))) / (1 + rr * (k4 + rr * (k5 + rr * k6)))
    across = 2 * p1 * xy + p2 * (rr + 2 * xx) + rr * (s1 + rr * s2)
    down = 2 * p2 * xy + p1 * (rr + 2 * yy) + rr * (s3 + rr * s4)
    return np.stack([x * radial + across, y * radial + down])


def _shear(camera: Camera) -> float:
    """Columns by which the skew moves a point, per row that it lies below the principal point."""
    return float(camera.matrix[0, 1] / camera.matrix[1, 1])


def find_lens_limit(camera: Camera) -> float:
    """Tangent of the angle to the optical axis up to which the distortion polynomial makes sense.

    Beyond, a polynomial that was fit to the picture turns back and shows the same pixels again.
    """
    if camera.fisheye or camera.distortion[5:8].any():
        return float("inf")
    k1, k2, k3 = camera.distortion[[0, 1, 4]]
    # Where d/dr of r (1 + k1 r^2 + k2 r^4 + k3 r^6) is zero; roots in r^2.
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real
    return float(np.sqrt(real.min())) if len(real) else float("inf")


@dataclass(frozen=True)
class LensReach:
    """What a lens does to its picture.

    Attributes
    ----------
    share : how far from the principal point, as a share of the farthest corner's distance, it shows every direction once; 1 at most.
        Beyond, its polynomial turns back, and pixels there are of no direction.
    angle : to the optical axis, degrees, that is seen at the farthest edge (in the middle of a side), or as far as `share` goes.
    stretch : how far from the principal point that is shown, as a multiple of where it would be without distortion (of the angle in a fisheye lens).
    """

    share: float
    angle: float
    stretch: float


def measure_reach(camera: Camera) -> LensReach:
    """How far a lens can be right, by its radial distortion; see :class:`LensReach`."""
    width, height = camera.size
    middle = (width - 1) / 2, (height - 1) / 2
    corners = [(column, row) for column in (0, width - 1) for row in (0, height - 1)]
    sides = [(0, middle[1]), (width - 1, middle[1]), (middle[0], 0), (middle[0], height - 1)]
    places = np.array([*corners, *sides], dtype=np.float64)
    far = np.linalg.norm((places - camera.matrix[:2, 2]) / camera.matrix.diagonal()[:2], axis=1)
    angles = np.linspace(0, np.pi if camera.fisheye else np.pi / 2 - 1e-6, _LOOKED_AT + 1)[1:]
    undistorted = angles if camera.fisheye else np.tan(angles)
    bent = np.pad(camera.distortion[:8], (0, 8 - len(camera.distortion[:8])))
    square = undistorted**2
    if camera.fisheye:
        factors = 1 + square * (bent[0] + square * (bent[1] + square * (bent[2] + square * bent[3])))
    else:
        factors = (1 + square * (bent[0] + square * (bent[1] + square * bent[4]))) / (
            1 + square * (bent[5] + square * (bent[6] + square * bent[7]))
        )
    shown = undistorted * factors
    back = np.flatnonzero(np.diff(shown, prepend=0.0) <= 0)
    last = int(back[0]) if len(back) else len(shown)
    reach = float(shown[max(last - 1, 0)])
    edge = min(int(np.searchsorted(shown[:last], min(far[4:].max(), reach))), max(last - 1, 0))
    return LensReach(min(1.0, reach / far[:4].max()), float(np.degrees(angles[edge])), float(factors[edge]))


def undistort_points(camera: Camera, pixels: Float[NDArray, "point 2"]) -> Float[NDArray, "point 2"]:
    """Turn pixels of the distorted picture into undistorted pixels; NaN stays NaN."""
    known = np.isfinite(pixels).all(axis=1)
    undistorted = np.full((len(pixels), 2), np.nan)
    if known.any():
        given = np.array(pixels[known], dtype=np.float64)[:, None]
        given[..., 0] -= _shear(camera) * (given[..., 1] - camera.matrix[1, 2])
        undistorted[known] = _invert_distortion(camera, given).reshape(-1, 2)
    return undistorted


def _invert_distortion(camera: Camera, pixels: Float[NDArray, "point 1 2"]) -> Float[NDArray, "point 1 2"]:
    """OpenCV's iteration until it settles; of itself, it stops after five steps."""
    if hasattr(cv2, "undistortPointsIter") and not camera.fisheye:
        # OpenCV 4; OpenCV 5 put the criteria into the function without.
        iterate = cv2.undistortPointsIter
        return np.asarray(iterate(pixels, camera.matrix, camera.distortion, np.eye(3), camera.matrix, _UNDISTORT_STEPS))
    undistort = cv2.fisheye.undistortPoints if camera.fisheye else cv2.undistortPoints
    return np.asarray(undistort(pixels, camera.matrix, camera.distortion, P=camera.matrix, criteria=_UNDISTORT_STEPS))


def pixel_directions(camera: Camera, pixels: Float[NDArray, "point 2"]) -> Float[NDArray, "point 3"]:
    """Unit vectors, in the world, from the camera through pixels of the distorted picture."""
    undistorted = undistort_points(camera, pixels)
    homogeneous = np.concatenate([undistorted, np.ones((len(pixels), 1))], axis=1)
    directions = homogeneous @ np.linalg.inv(camera.matrix).T @ camera.rotation
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def undistorted_window(
    picture: UInt8[NDArray, "..."], camera: Camera, matrix: Float[NDArray, "3 3"], size: tuple[int, int], border: int = 0
) -> UInt8[NDArray, "..."]:
    """Cut out of a distorted picture what an undistorted camera with another `matrix` would see.

    Where the window has fewer pixels than the part of the picture it shows, it is sampled more finely and averaged, so
    that nothing flickers.

    Parameters
    ----------
    picture : (camera height, camera width[, channel]).
    matrix : intrinsics of the window, pixels of the window; the pose stays the camera's.
    size : (width, height) of the window.
    border : value where the picture does not reach.
    """
    coarser = camera.matrix[0, 0] / matrix[0, 0]
    if coarser >= 2 * _FINE:
        # A first shrinking by whole pixels costs little and leaves few points to look up.
        shrunk = tuple(max(1, round(side * _FINE / coarser)) for side in camera.size)
        camera = camera.resized((shrunk[0], shrunk[1]))
        picture = np.asarray(cv2.resize(picture, camera.size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        coarser = camera.matrix[0, 0] / matrix[0, 0]
    finer = max(1, int(np.ceil(coarser - 1e-6)))
    fine = replace(camera, size=size, matrix=matrix).resized((size[0] * finer, size[1] * finer))
    map_x, map_y = _map_pixels(camera, fine)
    window = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(border,) * 3)
    return np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_AREA) if finer > 1 else window, dtype=np.uint8)


def _map_pixels(camera: Camera, fine: Camera) -> tuple[Float[NDArray, "..."], Float[NDArray, "..."]]:
    """For every pixel of the undistorted camera `fine`, column and row in the distorted picture of `camera`; far outside beyond its lens."""
    make_maps = cv2.fisheye.initUndistortRectifyMap if camera.fisheye else cv2.initUndistortRectifyMap
    columns, rows = make_maps(camera.matrix, camera.distortion, np.eye(3), fine.matrix, fine.size, cv2.CV_32FC1)
    columns += np.float32(_shear(camera)) * (rows - np.float32(camera.matrix[1, 2]))
    limit = find_lens_limit(camera)
    if np.isfinite(limit):
        across, down = ((np.arange(side) - fine.matrix[axis, 2]) / fine.matrix[axis, axis] for axis, side in enumerate(fine.size))
        columns[np.hypot(across[None], down[:, None]) >= limit] = -1e6
    return columns, rows
