"""Boards and calibration files to cameras, and how far these can be trusted (aniposelib lives here only)."""
