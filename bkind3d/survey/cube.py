"""One cube for a study: as large as the subject's body usually is, and no larger because of one bad session."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bkind3d.config import InputError, LocationConfig
from bkind3d.data.cubes import SMALL, find_largest
from bkind3d.data.parquet import read_metadata
from bkind3d.data.results import write_json
from bkind3d.geometry.units import find_factor

log = logging.getLogger(__name__)


def measure_cube(config: LocationConfig, locations: Mapping[str, str | Path], output: str | Path) -> list[str]:
    """Write the side of the cube for all sessions to `output`: the settings' own, or else the median of `locations` (tables by session).

    The side has two digits: more are not known.

    Returns
    -------
    Sentences that the user should read before going on; they are in the file, too.
    """
    read = {session: read_metadata(path) for session, path in locations.items()}
    places = {session: place for session, place in read.items() if not place.get("failed")}
    if not places:
        session, place = next(iter(read.items()))
        raise InputError(f"session {session}", str(place["failed"]), "correct it, or another training session: none can be learned from")
    for session, place in places.items():
        if "extent" not in place:
            raise InputError(locations[session], "does not say how large the subject is", "locate the subject again")
    units = next(str(place["units"]) for place in places.values())
    factors = {session: find_factor(str(place["units"]), units) for session, place in places.items()}
    extents = {session: float(places[session]["extent"]) * factor for session, factor in factors.items() if factor is not None}
    if len(extents) < len(places):
        session = next(session for session, factor in factors.items() if factor is None)
        what = f"is in {places[session]['units']} units, others in {units}"
        raise InputError(f"session {session}", what, "sessions of one study need one scale: make another study of those without")
    side = config.side or float(f"{config.side_margin * np.median(list(extents.values())):.2g}")
    # What the settings give is in the units of each rig.
    bodies = {session: float(place["extent"]) for session, place in places.items()} if config.side else extents
    remarks = remark_sizes(bodies, side, units, given=bool(config.side))
    write_json({"side": side, "units": "" if config.side else units, "extents": bodies, "remarks": remarks}, output)
    log.info("%s: a cube with a side of %.4g %s for bodies of %s", output, side, units, ", ".join(f"{one:.4g}" for one in bodies.values()))
    return remarks


def remark_sizes(extents: Mapping[str, float], side: float, units: str, given: bool = False) -> list[str]:
    """Which sessions' subjects (diameters of their bodies) do not fit a cube, or are small in it; all in `units`. `given`: the side is the settings'."""
    step = "look at their silhouettes, or give the side (location.side)"
    judged = (
        ("is larger than", {name: extent for name, extent in extents.items() if extent > find_largest(side, given)}),
        ("fills less than a quarter of a picture of", {name: extent for name, extent in extents.items() if extent < SMALL * side}),
    )
    return [
        f"the subject {what} the cube ({side:.3g} {units}) in {', '.join(f'{name} ({extent:.3g})' for name, extent in found.items())}: {step}"
        for what, found in judged
        if found
    ]
