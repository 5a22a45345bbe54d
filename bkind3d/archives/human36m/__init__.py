"""Human3.6M as it is handed out, or as h36m-fetch extracts it."""

from bkind3d.archives.human36m.takes import read_archive

__all__ = ["read_archive"]
