"""What is known of a calibration file before its cameras are read: formats, picture sizes, and which of its cameras is which of a sheet.

Nothing here imports more than the standard library, so that the workflow can check its sheets in milliseconds.
"""

import re
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bkind3d.config import InputError, check_values, read_text

Size = tuple[int, int]

#: Words before a number that say no more than that it is a camera's.
CAMERA_WORDS = {"", "cam", "camera", "kamera", "c", "view", "v"}
#: Bytes of a TOML file; a camera takes less than a thousand.
_MOST_BYTES = 2**22


class CalibrationFormat(NamedTuple):
    """How names of a format's files end, and whether it can be written, too; its module is ``bkind3d.calibration.formats.NAME``."""

    endings: tuple[str, ...]
    written: bool = False


#: Formats of calibration files that can be imported.
CALIBRATION_FORMATS = {
    "aniposelib": CalibrationFormat((".toml",), written=True),
    "caliscope": CalibrationFormat((".toml",)),
    "dannce": CalibrationFormat((".mat",)),
    "rat7m": CalibrationFormat((".mat",)),
    "human36m": CalibrationFormat((".xml",)),
    "qualisys": CalibrationFormat((".txt", ".xml")),
    "opencv": CalibrationFormat((".yaml", ".yml", ".json", ".xml"), written=True),
    "deepfly3d": CalibrationFormat((".pkl", ".pickle")),
    "jarvis": CalibrationFormat((".yaml", ".yml")),
    "kalibr": CalibrationFormat((".yaml", ".yml")),
    "voxelpose": CalibrationFormat((".json",)),
    "bouguet": CalibrationFormat((".mat",)),
    "multicamselfcal": CalibrationFormat((".cal",)),
    "table": CalibrationFormat((".csv", ".tsv")),
}


def list_formats(path: str | Path) -> list[str]:
    """Formats whose files end like `path`; at least one."""
    suffix = Path(path).suffix.lower()
    formats = [name for name, row in CALIBRATION_FORMATS.items() if suffix in row.endings]
    if not formats:
        known = ", ".join(dict.fromkeys(ending for row in CALIBRATION_FORMATS.values() for ending in row.endings))
        raise InputError(path, f"calibration files end with {known}", f"rename it, or name its format: {', '.join(CALIBRATION_FORMATS)}")
    return formats


def parse_sizes(text: str, where: str) -> dict[str, Size]:
    """Picture sizes out of ``1280x1024`` (of all cameras, under the empty name) or ``cam1=1280x1024 cam2=640x512``."""
    sizes: dict[str, Size] = {}
    for entry in text.split():
        name, _, size = entry.rpartition("=")
        found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", size)
        if not found or entry.startswith("="):
            raise InputError(where, f"{entry!r} is no picture size", "write 1280x1024 (width, height), or cam1=1280x1024 for one camera")
        if name in sizes:
            raise InputError(where, f"two sizes are given for {f'camera {name!r}' if name else 'all cameras'}", "keep one")
        sizes[name] = (int(found[1]), int(found[2]))
    return sizes


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read the TOML file at `path`."""
    text = read_text(path, "check the path", _MOST_BYTES)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is not valid TOML: {' '.join(str(error).split())}") from None
    check_values(content, path)
    return content


def is_caliscope(content: dict[str, Any]) -> bool:
    """Whether the content of a TOML file is caliscope's, which has one table of all cameras."""
    return isinstance(content.get("cameras"), dict)


def find_tables(content: dict[str, Any], path: str | Path) -> dict[str, dict[str, Any]]:
    """The cameras' tables in the content of a TOML file, each with its ``name``, by where they stand in the file.

    Caliscope numbers its cameras; they are named as it names them in its own export for aniposelib.
    """
    tables: dict[str, dict[str, Any]] = {}
    cameras: Iterable[tuple[str, Any]] = (content["cameras"] if is_caliscope(content) else content).items()
    for section, values in cameras:
        if section == "metadata":
            continue
        if not isinstance(values, dict):
            raise InputError(
                path, f"{section!r} is not a table of a camera", "expected tables with name, size, matrix, rotation, translation"
            )
        tables[section] = {"name": f"cam_{section}", **values} if is_caliscope(content) else values
    return tables


def read_camera_names(path: str | Path) -> list[str]:
    """Names of the cameras in a calibration file (TOML), without reading more of it."""
    return [str(values.get("name", section)) for section, values in find_tables(read_toml(path), path).items()]


def require_cameras(found: Collection[str], wanted: Iterable[str], path: str | Path, advice: str) -> None:
    """Refuse a calibration that lacks one of the wanted cameras."""
    lacking = [name for name in wanted if name not in found]
    if lacking:
        raise InputError(path, f"has no camera {lacking[0]!r}, only {', '.join(found)}", advice)


class UnmatchedError(InputError):
    """Cameras of a sheet or of videos are not those of a calibration."""


def match_cameras(found: Collection[str], wanted: Iterable[str], path: str | Path) -> dict[str, str]:
    """The calibration's name of every wanted camera: the same, or the only one with the same number (cam_01, Camera1, 1; never rec_1)."""
    matched: dict[str, str] = {}
    for name in wanted:
        alike = [name] if name in found else [other for other in found if _are_alike(name, other)]
        if len(alike) != 1:
            what = "is not in the calibration" if not alike else f"could be any of {', '.join(alike)}"
            raise UnmatchedError(path, f"camera {name!r} of the sheet {what}", f"it has {', '.join(found)}")
        if alike[0] in matched.values():
            raise UnmatchedError(
                path, f"two cameras of the sheet are matched with {alike[0]!r}", f"name them as in the calibration: {', '.join(found)}"
            )
        matched[name] = alike[0]
    return matched


def _are_alike(name: str, other: str) -> bool:
    """Whether two names have one number each, the same, and beside it the same word, or words that only say that it is a camera."""
    parts = [re.fullmatch(r"(\D*)(\d+)(\D*)", text) for text in (name, other)]
    if parts[0] is None or parts[1] is None:
        return False
    words = [re.sub(r"[\W_]+", "", part[1] + part[3]).casefold() for part in parts if part]
    return int(parts[0][2]) == int(parts[1][2]) and (words[0] == words[1] or {*words} <= CAMERA_WORDS)
