"""DeepFly3D's results, which are pickles: read without running anything that a pickle may name.

Of NumPy's own functions, which trust what they are given, none is called with what a pickle says: arrays are made here, of plain numbers
alone, once their shape and bytes agree. All of it happens in a process of its own.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bkind3d.calibration.formats.reading import Field, GivenRig, read_fields
from bkind3d.config import InputError
from bkind3d.data.apart import read_apart
from bkind3d.geometry.cameras import Array

_FIELDS: tuple[Field, ...] = (
    ("matrix", ("intr",), (3, 3)), ("distortions", ("distort",), None), ("rotation", ("R",), (3, 3)), ("translation", ("tvec",), (3,)),
)  # fmt: skip
#: What NumPy's pickles say of an array beside its numbers.
_MOST_AXES = 8


def read(path: Path) -> GivenRig:
    """Read the cameras of ``df3d_result*.pkl`` or ``calib.pkl``, named by their numbers; OpenCV's conventions."""
    return read_apart(_read, path)


def _read(path: Path) -> GivenRig:
    try:
        data = path.read_bytes()
        _check_places(data)
        content = _ArrayUnpickler(io.BytesIO(data)).load()
    except InputError as error:
        raise InputError(path, error.what, error.remedy) from None
    except Exception as error:
        # A damaged pickle ends with any exception there is.
        raise InputError(path, f"is not a pickle, or damaged ({type(error).__name__})", "copy it again") from None
    content = content if type(content) is dict else {}
    cameras = {str(key): value for key, value in content.items() if isinstance(value, dict) and "intr" in value}
    if {"intrinsicMat", "distortion"} <= set(content):
        what = "is OpenCap's lens of one camera, which says nothing of where cameras stand"
        raise InputError(path, what, "film a board with all cameras together: bkind3d calibrate-cameras")
    if not cameras:
        raise InputError(path, "has no cameras (numbers with R, tvec, intr and distort), so it is not DeepFly3D's result of 3D")
    tables = {}
    for name, camera in cameras.items():
        values = {key: _to_array(value) for key, value in camera.items()}
        tables[name] = {"name": name, **read_fields(values, _FIELDS, f"{path}: camera {name!r}", "run DeepFly3D's calibration again")}
    return GivenRig(tables)


def _check_places(data: bytes) -> None:
    """Refuse a place for a value that is far beyond all values: memory is taken for every one before it."""
    for operation, place, _ in pickletools.genops(data):
        if "PUT" in operation.name and int(str(place)) > len(data):
            raise pickle.UnpicklingError(f"Expected a place below {len(data)}, got {place}")


class _Dtype:
    """A kind of plain numbers, as NumPy's pickles describe it: its letter and size, then the order of its bytes."""

    __slots__ = ("order", "text")

    def __init__(self, text: Any, *_: Any) -> None:
        if not (isinstance(text, str) and re.fullmatch("b1|[iu][1248]|f[248]", text)):
            raise InputError(
                "", f"the pickle has an array of {str(text)[:20]!r}, which are no plain numbers", "it is of another program, or harmful"
            )
        self.text, self.order = text, "="

    def __setstate__(self, state: Any) -> None:
        _, self.order, *more = state
        if self.order not in ("<", ">", "|", "=") or more[:3] != [None] * 3:
            raise InputError("", "the pickle has an array of parts, which no calibration needs", "it is of another program, or harmful")

    def convert(self, data: Any, shape: Any, order: str = "C") -> Array:
        """The array that `data` are, if they are exactly that."""
        kind = np.dtype(self.order.replace("|", "=") + self.text)
        if type(data) not in (bytes, bytearray) or not all(type(side) is int and side >= 0 for side in shape) or len(shape) > _MOST_AXES:
            raise pickle.UnpicklingError("Expected bytes, and the sides of an array")
        if math.prod(shape) * kind.itemsize != len(data):
            raise pickle.UnpicklingError(f"Expected as many bytes as numbers, got {len(data)}")
        return np.frombuffer(bytes(data), kind).reshape(shape, order="F" if order == "F" else "C").copy()


class _Array:
    """An array, which NumPy's older pickles make empty, and fill then."""

    __slots__ = ("values",)

    def __init__(self, *_: Any) -> None:
        self.values: Array | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, data = state
        self.values = _check_kind(kind).convert(data, shape, "F" if is_fortran else "C")


class _Maker:
    """Something that a pickle may call, and can do nothing else with."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *given: Any) -> Any:
        return self._make(*given)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("Expected a call, got a state")


def _check_kind(kind: Any) -> _Dtype:
    if type(kind) is not _Dtype:
        raise pickle.UnpicklingError("Expected a kind of numbers")
    return kind


def _restore_bytes(text: str, encoding: str) -> bytes:
    """What old pickles call for every array's bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"Expected bytes as latin1, got {encoding!r}")
    return text.encode("latin1")


#: What NumPy's pickles name, by module and name; of an array's own class they only hand the name on.
_ALLOWED = {
    ("numpy", "ndarray"): _Maker(_Array),
    ("numpy", "dtype"): _Maker(_Dtype),
    ("multiarray", "_reconstruct"): _Maker(_Array),
    ("multiarray", "scalar"): _Maker(lambda kind, data: _check_kind(kind).convert(data, ())[()]),
    ("numeric", "_frombuffer"): _Maker(lambda data, kind, shape, order: _check_kind(kind).convert(data, shape, order)),
    ("_codecs", "encode"): _Maker(_restore_bytes),
    ("builtins", "bytes"): _Maker(lambda: b""),
}


def _to_array(value: Any) -> Any:
    return value.values if type(value) is _Array else value


class _ArrayUnpickler(pickle.Unpickler):
    """Makes dictionaries, lists, numbers, texts and NumPy arrays; any other name in a pickle ends the reading."""

    def find_class(self, module: str, name: str) -> Any:
        # NumPy's pickles name its private parts, which moved with version 2.
        found = _ALLOWED.get((module.removeprefix("numpy.core.").removeprefix("numpy._core."), name))
        if found is None:
            raise InputError("", f"the pickle names {module}.{name}, which no calibration needs", "it is of another program, or harmful")
        return found
