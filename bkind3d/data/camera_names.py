"""Which camera of a calibration is which camera of a sheet."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import find_tables, read_toml


def read_camera_names(path: str | Path) -> list[str]:
    """Names of the cameras in a calibration file (TOML), without reading more of it."""
    return [str(values.get("name", section)) for section, values in find_tables(read_toml(path), path).items()]


def require_cameras(found: Collection[str], wanted: Iterable[str], path: str | Path, advice: str) -> None:
    """Refuse a calibration that lacks one of the wanted cameras."""
    lacking = [name for name in wanted if name not in found]
    if lacking:
        raise InputError(f"{path}: has no camera {lacking[0]!r}, only {', '.join(found)}; {advice}")


def match_cameras(found: Collection[str], wanted: Iterable[str], path: str | Path) -> dict[str, str]:
    """The calibration's name of every wanted camera: the same, or the only one with the same number (cam_01, cam1)."""
    matched: dict[str, str] = {}
    for name in wanted:
        alike = [name] if name in found else [other for other in found if _digits(other) is not None and _digits(other) == _digits(name)]
        if len(alike) != 1:
            what = "is not in the calibration" if not alike else f"could be any of {', '.join(alike)}"
            raise InputError(f"{path}: camera {name!r} of the sheet {what}; it has {', '.join(found)}")
        if alike[0] in matched.values():
            raise InputError(
                f"{path}: two cameras of the sheet are matched with {alike[0]!r}; name them as in the calibration: {', '.join(found)}"
            )
        matched[name] = alike[0]
    return matched


def _digits(name: str) -> int | None:
    """The only number in a name."""
    numbers = re.findall(r"\d+", name)
    return int(numbers[0]) if len(numbers) == 1 else None
