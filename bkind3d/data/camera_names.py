"""Which camera of a calibration is which camera of a sheet."""

import re
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

from bkind3d.config import InputError


def read_camera_names(path: str | Path) -> list[str]:
    """Names of the cameras in a calibration file (TOML), without reading more of it."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not valid TOML: {' '.join(str(error).split())}") from None
    return [str(values.get("name", section)) for section, values in content.items() if section != "metadata" and isinstance(values, dict)]


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
