"""Units of lengths that a world may be in."""

#: Metres in a unit.
METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
