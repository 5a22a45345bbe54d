"""Calibration files of other programs, one module per family: what each says, in OpenCV's conventions (docs/calibration-formats.md)."""
