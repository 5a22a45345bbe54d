"""What a calibration file says, before it is checked."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

import numpy as np

from bkind3d.config import InputError
from bkind3d.geometry.cameras import Array

#: Bytes at the beginning of a file that tell its format.
_HEAD = 4096

Content = TypeVar("Content")


@dataclass(frozen=True)
class GivenRig:
    """The cameras of a file as tables with the keys of this project's own format.

    Attributes
    ----------
    tables : per camera ``name``, ``size`` (lacking where the format has none), ``matrix``, ``distortions``, ``rotation``,
        ``translation``, and ``fisheye`` where the lens may be one; world to camera, OpenCV's axes, pixel (0, 0) the centre of the first.
    units : of the world, where format or file fixes them.
    error : mean reprojection error in pixels, where the file knows it.
    """

    tables: Mapping[str, Mapping[str, Any]]
    units: str | None = None
    error: float | None = None


#: A field of a camera: what the table calls it, what the file may call it, and its shape (None: a vector).
Field = tuple[str, tuple[str, ...], tuple[int, ...] | None]


def read_fields(values: Mapping[str, Any], fields: Iterable[Field], where: str, advice: str) -> dict[str, Array]:
    """The numbers of a camera's fields, all of which have to be there; `where` ends with what the format calls a field."""
    found = {}
    for key, names, shape in fields:
        name = next((name for name in names if name in values), None)
        if name is None:
            raise InputError(f"{where}{names[0]!r} is missing; {advice}")
        found[key] = read_numbers(values[name], shape, f"{where}{name!r}")
    return found


def read_numbers(value: Any, shape: tuple[int, ...] | None, where: str) -> Array:
    """The numbers of an entry as an array of `shape`, or as a vector (None)."""
    try:
        array = np.asarray(value, dtype=np.float64)
        return array.reshape(-1 if shape is None else shape)
    except (TypeError, ValueError):
        expected = "numbers" if shape is None else f"{'x'.join(map(str, shape))} numbers"
        raise InputError(f"{where} is not {expected}; is the file of another format, or damaged?") from None


def begins_with(path: Path, text: bytes) -> bool:
    """Whether `text` stands near the beginning of the file."""
    with path.open("rb") as file:
        return text in file.read(_HEAD)


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file."""
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        raise InputError(f"{path}: is not valid XML: {error}") from None


def read_apart(read: Callable[[Path], Content], path: Path) -> Content:
    """What `read` makes of `path` in a process of its own, which libraries in C end where a file is damaged; InputError then."""
    # A fork has all libraries at hand, so this takes some hundredths of a second; it reads, and waits for no other thread.
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        try:
            return pool.submit(read, path).result()
        except BrokenProcessPool:
            raise InputError(f"{path}: is damaged, so that nothing can read it; copy it again") from None
