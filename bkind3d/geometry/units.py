"""Units of lengths that a world may be in."""

#: Metres in a unit.
METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
#: Of a world whose scale nobody knows: a calibration without a measured length. Such lengths are of no other unit.
ARBITRARY = "arbitrary"
UNITS = (*METRES, ARBITRARY)


def find_factor(given: str, wanted: str) -> float | None:
    """What turns lengths of one unit into another; None where one of them has no scale that the other knows."""
    if given == wanted:
        return 1.0
    return METRES[given] / METRES[wanted] if {given, wanted} <= METRES.keys() else None
