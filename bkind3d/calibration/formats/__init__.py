"""Calibration files of other programs, one module per format (docs/calibration-formats.md).

A format is a row of ``CALIBRATION_FORMATS`` and the module of its name here: ``read(path)`` says what a file holds, in OpenCV's
conventions (``read_subject(path, subject)`` where it has several subjects); ``recognise(path)`` tells the format from others
whose files end alike; ``write(cameras, path, units, error)`` makes one, where the row says so.
"""
