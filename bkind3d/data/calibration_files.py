"""Calibration files in aniposelib's TOML format, which is this project's own."""
