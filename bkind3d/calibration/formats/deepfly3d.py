"""DeepFly3D's results, which are pickles: read without running anything that a pickle may name."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from bkind3d.calibration.formats.reading import Field, GivenRig, read_fields
from bkind3d.config import InputError

_FIELDS: tuple[Field, ...] = (
    ("matrix", ("intr",), (3, 3)), ("distortions", ("distort",), None), ("rotation", ("R",), (3, 3)), ("translation", ("tvec",), (3,)),
)  # fmt: skip


def read(path: Path) -> GivenRig:
    """Read the cameras of ``df3d_result*.pkl`` or ``calib.pkl``, named by their numbers; OpenCV's conventions."""
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file).load()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:
        # A damaged pickle ends with any exception there is.
        raise InputError(f"{path}: is not a pickle, or damaged ({type(error).__name__}); copy it again") from None
    content = content if isinstance(content, dict) else {}
    cameras = {str(key): value for key, value in content.items() if isinstance(value, dict) and "intr" in value}
    if not cameras:
        raise InputError(f"{path}: has no cameras (numbers with R, tvec, intr and distort), so it is not DeepFly3D's result of 3D")
    tables = {}
    for name, camera in cameras.items():
        tables[name] = {"name": name, **read_fields(camera, _FIELDS, f"{path}: camera {name!r}: ", "run DeepFly3D's calibration again")}
    return GivenRig(tables)


def _restore_bytes(text: str, encoding: str) -> bytes:
    """What old pickles call for every array's bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"Expected bytes as latin1, got {encoding!r}")
    return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    """Makes dictionaries, lists, numbers, texts and NumPy arrays; any other name in a pickle ends the reading."""

    def find_class(self, module: str, name: str) -> Any:
        # NumPy's pickles name its private parts, which moved with version 2.
        from numpy._core import multiarray, numeric

        allowed = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("multiarray", "_reconstruct"): multiarray._reconstruct,  # type: ignore[attr-defined]
            ("multiarray", "scalar"): multiarray.scalar,  # type: ignore[attr-defined]
            ("numeric", "_frombuffer"): numeric._frombuffer,  # type: ignore[attr-defined]
            ("_codecs", "encode"): _restore_bytes,
        }
        found = allowed.get((module.removeprefix("numpy.core.").removeprefix("numpy._core."), name))
        if found is None:
            raise InputError(f"the pickle names {module}.{name}, which no calibration needs; it is of another program, or harmful")
        return found
