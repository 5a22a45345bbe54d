"""netCDF with the names and axes of a poses dataset of ``movement`` (0.15)."""

from io import BytesIO
from pathlib import Path

import xarray as xr

from bkind3d import __version__
from bkind3d.data.writing import replaced_when_complete
from bkind3d.export.sessions import ExportedSession


def write_session(session: ExportedSession, path: Path) -> None:
    """Write position (time, space, keypoints, individuals) in the rig's units, and confidence; time in seconds."""
    found = session.keypoints
    dataset = xr.Dataset(
        {
            "position": (("time", "space", "keypoints", "individuals"), found.positions.transpose(0, 2, 1)[..., None]),
            "confidence": (("time", "keypoints", "individuals"), found.confidences[..., None]),
        },
        coords={"time": found.times, "space": list("xyz"), "keypoints": found.names, "individuals": [session.row.subject]},
        attrs={
            "source_software": f"bkind3d {__version__}",
            "source_file": session.name,
            "ds_type": "poses",
            "fps": session.rate,
            "time_unit": "seconds",
        },
    )
    dataset["position"].attrs["units"] = session.units
    content = BytesIO()  # HDF5 may end the process where it cannot write to a disk
    dataset.to_netcdf(content, engine="h5netcdf")
    with replaced_when_complete(path) as temporary:
        temporary.write_bytes(content.getbuffer())
