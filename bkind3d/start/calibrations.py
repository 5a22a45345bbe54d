"""Which calibration belongs to which sessions."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS
from bkind3d.data.camera_names import match_cameras

_SUFFIXES = {ending for row in CALIBRATION_FORMATS.values() for ending in row.endings}
#: Bytes beyond which a file is no calibration.
_LARGEST = 20_000_000


@dataclass(frozen=True)
class FoundCalibration:
    """A calibration file, and the cameras that it has."""

    path: Path
    cameras: tuple[str, ...]

    def fits(self, wanted: Collection[str]) -> bool:
        """Whether it has all cameras of a session, by name or by number."""
        try:
            match_cameras(self.cameras, wanted, self.path)
        except InputError:
            return False
        return True


def find_calibrations(folder: Path) -> list[FoundCalibration]:
    """Calibration files below `folder` that can be read, of any format."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root) / name
            if path.suffix.lower() in _SUFFIXES and not name.startswith(".") and path.stat().st_size < _LARGEST:
                try:
                    found.append(read_calibration(path))
                except InputError:  # a file of something else, or of cameras that need more to be known
                    continue
    return found


def read_calibration(path: Path) -> FoundCalibration:
    """Read the cameras' names of one calibration file."""
    return FoundCalibration(path, tuple(read_given_cameras(path)[0]))


def assign_calibrations(
    calibrations: Collection[FoundCalibration], sessions: Mapping[str, Mapping[str, Path]]
) -> dict[str, FoundCalibration]:
    """The calibration of each session that has one: of those with all its cameras the nearest, in its folder or one above."""
    assigned = {}
    for session, videos in sessions.items():
        home = Path(os.path.commonpath([path.parent for path in videos.values()]))
        fitting = [found for found in calibrations if found.fits(list(videos))]
        above = [found for found in fitting if home.is_relative_to(found.path.parent)]
        near = sorted(above, key=lambda found: -len(found.path.parts)) or fitting
        # Of two that are equally near, nobody can tell which one is meant.
        alike = len(above) != 1 and len({found.path.parent for found in near[:2]}) < len(near[:2])
        if near and not alike:
            assigned[session] = near[0]
    return assigned
