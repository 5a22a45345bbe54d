"""BKinD-3D: 3D keypoints from multi-camera videos, without annotation."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bkind3d.opened import OpenedStudy

__version__ = "0.1.0"


def open_study(path: str | Path) -> "OpenedStudy":
    """Open a study by its folder, to look at its sessions, keypoints, joints, cameras and tables; see :class:`bkind3d.opened.OpenedStudy`."""
    opened: OpenedStudy = import_module("bkind3d.opened").open_study(path)  # which needs all rooms, as no room may
    return opened
