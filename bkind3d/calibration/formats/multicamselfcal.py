"""MultiCamSelfCal's results: a folder with ``cameraN.Pmat.cal`` and ``*N.rad`` for each camera, and ``Res.dat``.

``Pmat`` takes the world to *undistorted* pixels; the lens in ``.rad`` has a matrix and a principal point of its own, which distort them:
``u = K distort(K^-1 Pmat X)``. OpenCV has one matrix for both, and has these cameras exactly where the two agree; else its camera is
fitted to them, which costs hundredths of a pixel where lenses are mild.
"""

import logging
import re
from pathlib import Path

import numpy as np
import scipy.linalg
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from bkind3d.calibration.formats.reading import GivenRig, read_numbers
from bkind3d.config import InputError, read_text
from bkind3d.geometry.cameras import Array

log = logging.getLogger(__name__)

_ADVICE = "give a cameraN.Pmat.cal with the other files of MultiCamSelfCal beside it"
_MOST_BYTES = 2**16
#: Points of a picture's side at which a camera is fitted; how far the fit may be off (pixels), and from where on that is told.
_GRID, _MOST_OFF, _TOLD = 17, 1.0, 0.01


def read(path: Path) -> GivenRig:
    """Read all cameras of the folder, named as in ``camera_order.txt`` or by their numbers; units are those that the user aligned it with."""
    folder = path.parent
    files = {int(found[1]): file for file in folder.iterdir() if (found := re.fullmatch(r"camera(\d+)\.Pmat\.cal", file.name))}
    if path not in files.values():
        raise InputError(path, "is no cameraN.Pmat.cal", _ADVICE)
    order, sizes = folder / "camera_order.txt", folder / "Res.dat"
    names = read_text(order, most=_MOST_BYTES).split() if order.is_file() else []
    shapes = _read_table(sizes, (-1, 2)) if sizes.is_file() else None
    tables = {}
    for index, number in enumerate(sorted(files)):
        size = shapes[index] if shapes is not None and len(shapes) == len(files) else None
        name = names[index] if len(names) == len(files) else f"cam{number}"
        lenses = [file for file in folder.iterdir() if re.fullmatch(rf".*?(?<!\d)0*{number}\.rad", file.name)]
        if len(lenses) > 1:
            raise InputError(lenses[1], f"camera {number} has another lens in {lenses[0].name}", "keep those of one calibration")
        lens = _read_lens(lenses[0]) if lenses else None
        tables[name] = {"name": name, **_convert(_read_table(files[number], (3, 4)), lens, size, f"{path}: camera {name!r}")}
        if size is not None:
            tables[name]["size"] = size
    return GivenRig(tables)


def _read_table(path: Path, shape: tuple[int, ...]) -> Array:
    lines = read_text(path, most=_MOST_BYTES).splitlines()
    return read_numbers(
        [word for line in lines if not line.lstrip().startswith(("#", "%")) for word in line.split()], shape, path, "the file"
    )


def _read_lens(path: Path) -> tuple[Array, Array]:
    """The matrix and the four coefficients of a ``.rad`` file."""
    values = dict(re.findall(r"^\s*(\w+)\s*=\s*(\S+)", read_text(path, most=_MOST_BYTES), flags=re.MULTILINE))
    keys = [*(f"K{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3)), *(f"kc{number}" for number in (1, 2, 3, 4))]
    lacking = [key for key in keys if key not in values]
    if lacking:
        raise InputError(path, f"{lacking[0]!r} is missing", _ADVICE)
    numbers = read_numbers([values[key] for key in keys], (13,), path, "the lens")
    return numbers[:9].reshape(3, 3), numbers[9:]


def _convert(projection: Array, lens: tuple[Array, Array] | None, size: Array | None, where: str) -> dict[str, Array]:
    """OpenCV's camera of a projection to undistorted pixels, and of the lens that distorts these."""
    if not np.isfinite(projection).all() or abs(np.linalg.det(projection[:, :3])) < 1e-12 * np.abs(projection[:, :3]).max() ** 3:
        raise InputError(where, "its projection is that of no camera", "calibrate again")
    upper, turn = scipy.linalg.rq(projection[:, :3])
    signs = np.diag(np.sign(np.diag(upper)))
    upper, turn = upper @ signs, signs @ turn
    translation = np.linalg.solve(upper, projection[:, 3])
    if np.linalg.det(turn) < 0:  # a projection is known up to its sign
        turn, translation = -turn, -translation
    matrix = upper / upper[2, 2]
    if lens is None:
        return {"matrix": matrix, "distortions": np.zeros(5), "rotation": turn, "translation": translation}
    own, coefficients = lens
    distortions = np.append(coefficients, 0.0)
    if np.allclose(own, matrix, rtol=1e-9, atol=1e-6) or not coefficients.any():
        return {"matrix": matrix, "distortions": distortions, "rotation": turn, "translation": translation}
    if size is None:
        raise InputError(where, "its lens has another matrix than its projection, and Res.dat does not say for which picture", _ADVICE)
    return _fit(matrix, own, distortions, turn, translation, size, where)


def _fit(matrix: Array, own: Array, distortions: Array, turn: Array, translation: Array, size: Array, where: str) -> dict[str, Array]:
    """The camera of OpenCV that shows points where projection and lens together do."""
    columns, rows = np.meshgrid(*(np.linspace(0, side - 1, _GRID) for side in size))
    pixels = np.stack([columns.ravel(), rows.ravel(), np.ones(columns.size)], axis=1)
    seen = _distort(pixels @ np.linalg.inv(own).T, distortions) @ own.T
    rays = pixels @ np.linalg.inv(matrix).T
    # The grid lies in undistorted pixels: what the lens brings into the picture counts.
    inside = ((seen[:, :2] >= -1) & (seen[:, :2] <= size)).all(axis=1)
    inside = inside if inside.sum() > _GRID else np.ones(len(seen), dtype=bool)
    rays, seen = rays[inside], seen[inside, :2]

    def project(values: Array) -> Array:
        fx, skew, cx, fy, cy = values[:5]
        turned = rays @ Rotation.from_rotvec(values[5:8]).as_matrix().T
        found = _distort(turned / turned[:, 2:], values[8:])
        return found[:, :2] @ np.array([[fx, skew], [0, fy]]).T + [cx, cy]

    start = np.concatenate([matrix[0], matrix[1, 1:], np.zeros(3), distortions])
    fitted = least_squares(lambda values: (project(values) - seen).ravel(), start, x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14)
    off = float(np.abs(project(fitted.x) - seen).max())
    if off > _MOST_OFF:
        raise InputError(
            where, f"lens and projection have matrices so different that OpenCV's model is {off:.1f} px off", "calibrate with bkind3d"
        )
    if off > _TOLD:
        log.warning("%s: its lens has another matrix than its projection; OpenCV's model is up to %.3f px off", where, off)
    fx, skew, cx, fy, cy = fitted.x[:5]
    small = Rotation.from_rotvec(fitted.x[5:8]).as_matrix()
    return {
        "matrix": np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]]),
        "distortions": fitted.x[8:],
        "rotation": small @ turn,
        "translation": small @ translation,
    }


def _distort(points: Array, coefficients: Array) -> Array:
    """Brown's model of points at depth 1 (k1 k2 p1 p2 k3)."""
    x, y = points[:, 0], points[:, 1]
    k1, k2, p1, p2, k3 = coefficients
    square = x**2 + y**2
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return np.stack(
        [x * radial + 2 * p1 * x * y + p2 * (square + 2 * x**2), y * radial + p1 * (square + 2 * y**2) + 2 * p2 * x * y, np.ones_like(x)],
        axis=1,
    )
