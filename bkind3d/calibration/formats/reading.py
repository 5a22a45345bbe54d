"""Calibration files of other programs: which format one has, its cameras, checked, and what the formats' readers share."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from bkind3d.config import InputError, read_bytes
from bkind3d.data.calibration_files import build_cameras, check_no_copies, convert_numbers
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, Size, list_formats
from bkind3d.geometry.cameras import Array, Camera

log = logging.getLogger(__name__)

#: A principal point so far from the middle, as a share of the side, is far off: real ones are within a tenth but for cropped pictures.
_FAR_OFF = 0.2
#: Bytes at the beginning of a file that tell its format, and of all of an XML file.
_HEAD, _MOST_BYTES = 4096, 2**24
#: Files of a folder that are looked at, and what is told where nothing is known.
_MOST_FILES = 200
#: Endings of texts, and words of those in which light is refracted on its way.
_WORDED, _REFRACTED = (".xml", ".json", ".toml", ".yaml", ".yml"), (b"refract", b"<water", b"n_water", b"water_level")
_ANY = "the cameras of any other program can be written into a table, see docs/calibration-formats.md"


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


def read_given_cameras(
    path: str | Path, format_name: str | None = None, subject: str | None = None, sizes: Mapping[str, Size] | None = None
) -> tuple[dict[str, Camera], GivenRig]:
    """Read the cameras of a file of any format.

    Parameters
    ----------
    format_name : a key of ``CALIBRATION_FORMATS``; guessed from ending and content without it.
    subject : whose cameras, for Human3.6M.
    sizes : (width, height) of the pictures that were calibrated, by camera (empty name: all), where the file does not know.

    Returns
    -------
    The cameras by name, in the file's world; and what else the file says.
    """
    path = Path(path)
    given = read_rig(path, format_name, subject)
    given = replace(given, tables=_fill_sizes(given, sizes or {}, path))
    cameras = build_cameras(given.tables, path)
    check_no_copies(cameras, path)
    for remark in remark_on_centres(cameras, told=bool(sizes)):
        log.warning("%s: %s", path, remark)
    return cameras, given


def read_rig(path: Path, format_name: str | None = None, subject: str | None = None) -> GivenRig:
    """What a file says of its cameras, which may lack their picture sizes; unchecked."""
    try:
        if path.is_dir():
            raise InputError(path, "is a folder", _name_file(path))
        if path.exists() and not path.is_file():
            raise InputError(path, "is no file", "check the path")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(path, "is empty", "copy it again")
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check the path") from None
    name = format_name or _guess_format(path)
    form = load_format(name)
    if hasattr(form, "read_subject"):
        if not subject:
            raise InputError(path, "Human3.6M has cameras per subject", "name one (S1 to S11) with --subject, or in the sheet of rigs")
        given: GivenRig = form.read_subject(path, subject)
        return given
    if subject:
        raise InputError(path, f"only calibrations of Human3.6M have subjects, this one is of {name}", "leave the subject out")
    _refuse_refraction(path)
    try:
        given = form.read(path)
    except InputError as error:
        if format_name or error.where != str(path) or _fits(path, name):
            raise
        raise InputError(path, error.what, f"{error.remedy or 'check it'}; {_ANY}") from None
    return given


def _refuse_refraction(path: Path) -> None:
    """Cameras that look into water are no pinholes: points in their pictures are on no line through one centre."""
    with path.open("rb") as file:
        head = file.read(_MOST_BYTES if path.suffix.lower() in _WORDED else _HEAD).lower()
    if any(word in head for word in _REFRACTED):
        raise InputError(
            path,
            "describes cameras that look through water or glass (refraction), which no camera here does",
            "film a board in the water and calibrate anew: what it bends near the board then goes into the lenses",
        )


def _fits(path: Path, name: str) -> bool:
    """Whether a file's content, and not its ending alone, is of a format."""
    recognise = getattr(load_format(name), "recognise", None)
    return recognise is not None and recognise(path)


def _name_file(folder: Path) -> str:
    """Which file of a folder is to be named: one that is of a known format by its content."""
    for path in sorted(folder.iterdir())[:_MOST_FILES]:
        endings = [name for name, row in CALIBRATION_FORMATS.items() if path.name.lower().endswith(row.endings)]
        for name in endings if path.is_file() else []:
            with suppress(InputError):
                tables = load_format(name).read(path).tables if hasattr(load_format(name), "read") else {}
                if len(tables) > 1:
                    return f"give {path}, which has {len(tables)} cameras ({name})"
    return f"none of its files is a calibration of a known format; {_ANY}"


def remark_on_centres(cameras: Mapping[str, Camera], told: bool) -> list[str]:
    """Say where a principal point lies outside of its picture or, where the size is `told` by somebody and not by the file, far from the middle."""
    remarks = []
    for camera in cameras.values():
        (x, y), (width, height) = camera.matrix[:2, 2], camera.size
        off = max(abs((x + 0.5) / width - 0.5), abs((y + 0.5) / height - 0.5))
        # Outside of the picture is possible, but mostly means that the size is another camera's.
        if off > (_FAR_OFF if told else 0.5):
            where = "outside of its picture" if off > 0.5 else "far from the middle of its picture"
            remarks.append(
                f"the principal point of camera {camera.name}, ({x:.1f}, {y:.1f}), lies {where} of {width}x{height} pixels; is the size right?"
            )
    return remarks


def load_format(name: str) -> ModuleType:
    """The module of a format: ``read`` (or ``read_subject``), perhaps ``recognise`` and ``write``."""
    return import_module(f"bkind3d.calibration.formats.{name}")


def _guess_format(path: Path) -> str:
    """The format of a file, by its ending and, where several have this ending, by its content."""
    formats = list_formats(path)
    if len(formats) == 1:
        return formats[0]
    known = {name: getattr(load_format(name), "recognise", None) for name in formats}
    fitting = [name for name, recognise in known.items() if recognise and recognise(path)]
    return (fitting or [name for name, recognise in known.items() if not recognise] or formats[:1])[-1]


def _fill_sizes(given: GivenRig, sizes: Mapping[str, Size], path: Path) -> dict[str, dict[str, Any]]:
    """The tables with a picture size each: intrinsics mean nothing without it."""
    names = [str(table.get("name", section)) for section, table in given.tables.items()]
    stray = sorted(set(sizes) - {"", *names})
    if stray:
        raise InputError(path, f"has no camera {stray[0]!r}, whose size is given", f"it has {', '.join(names)}")
    filled = {}
    for section, table in given.tables.items():
        name = str(table.get("name", section))
        told = sizes.get(name, sizes.get(""))
        size = table.get("size")
        if size is None and told is None:
            raise InputError(
                path,
                f"camera {name!r}: the file does not say for which picture size it is",
                "give the width and height of the pictures that were calibrated (--size 1280x1024, or in the sheet of rigs)",
            )
        if size is not None and told is not None and tuple(read_numbers(size, (2,), f"{path}: camera {name!r}", "size")) != told:
            raise InputError(
                path, f"camera {name!r} is for {size[0]}x{size[1]} pixels, the size given is {told[0]}x{told[1]}", "leave it out"
            )
        filled[section] = {**table, "size": told if size is None else size}
    return filled


#: A field of a camera: what the table calls it, what the file may call it, and its shape (None: a vector).
Field = tuple[str, tuple[str, ...], tuple[int, ...] | None]


def read_fields(values: Mapping[str, Any], fields: Iterable[Field], where: str | Path, advice: str, kind: str = "") -> dict[str, Array]:
    """The numbers of a camera's fields, all of which have to be there; `kind` is what the format calls one."""
    found = {}
    for key, names, shape in fields:
        name = next((name for name in names if name in values), None)
        if name is None:
            raise InputError(where, f"{kind}{names[0]!r} is missing", advice)
        found[key] = read_numbers(values[name], shape, where, f"{kind}{name!r}")
    return found


def read_numbers(value: Any, shape: tuple[int, ...] | None, where: str | Path, name: str) -> Array:
    """The numbers of an entry as an array of `shape`, or as a vector (None)."""
    try:
        array = convert_numbers(value)
        return array.reshape(-1 if shape is None else shape)
    except ValueError:
        expected = "numbers" if shape is None else f"{'x'.join(map(str, shape))} numbers"
        raise InputError(where, f"{name} is not {expected}", "is the file of another format, or damaged?") from None


def begins_with(path: Path, text: bytes) -> bool:
    """Whether `text` stands near the beginning of the file."""
    with path.open("rb") as file:
        return text in file.read(_HEAD)


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file, which defines no words of its own: these can grow beyond all memory."""
    content = read_bytes(path, most=_MOST_BYTES)
    if b"<!ENTITY" in content:
        raise InputError(path, "defines entities, which no calibration needs", "it is of another program, or harmful")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        raise InputError(path, f"is not valid XML: {error}") from None
