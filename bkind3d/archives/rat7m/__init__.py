"""Rat7M as it is handed out: a MATLAB file of motion capture and cameras per session, and videos in files of some minutes each."""

from bkind3d.archives.rat7m.recordings import read_archive

__all__ = ["read_archive"]
