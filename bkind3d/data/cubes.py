"""The side of the cube around the subject, which all sessions of a study share."""

from pathlib import Path

from bkind3d.config import InputError
from bkind3d.data.results import read_json
from bkind3d.geometry.units import UNITS, find_factor

#: A body that is smaller than this share of the cube's side fills less than a quarter of its window.
SMALL = 0.5
#: A body may be so many times as large as a cube whose side was given: whoever gives it may want no voxels for the tips of legs and a tail.
LARGE_GIVEN = 2.0


def find_largest(side: float, given: bool) -> float:
    """The largest body (diameter, in the units of `side`) that a cube serves, whose side was measured or `given`."""
    return side * (LARGE_GIVEN if given else 1.0)


def read_cube(path: str | Path, units: str) -> float:
    """Read the side of the study's cube, in `units`; one without units of its own is meant in those of every rig."""
    content = read_json(path)
    side, own = content.get("side"), content.get("units")
    if not isinstance(side, int | float) or side <= 0 or own not in ("", *UNITS):
        raise InputError(path, "holds no cube", "make it anew with the workflow")
    factor = find_factor(own, units) if own and units in UNITS else 1.0
    if factor is None:
        raise InputError(
            path, f"is in {own}, a rig in {units}", "sessions of one study need one scale: make another study of those without"
        )
    return float(side) * factor
