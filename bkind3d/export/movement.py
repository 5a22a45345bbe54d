"""netCDF with the names and axes of a poses dataset of ``movement`` (0.15)."""

from io import BytesIO
from pathlib import Path

import xarray as xr

from bkind3d import __version__
from bkind3d.data.points import SessionKeypoints
from bkind3d.data.writing import replaced_when_complete
from bkind3d.export.sessions import ExportedSession


def write_session(session: ExportedSession, path: Path) -> None:
    """Write position (time, space, keypoints, individuals) in the rig's units, and confidence; time in seconds."""
    dataset = make_dataset(session.keypoints, session.row.subject, session.name, session.units, session.rate)
    content = BytesIO()  # HDF5 may end the process where it cannot write to a disk
    dataset.to_netcdf(content, engine="h5netcdf")
    with replaced_when_complete(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def make_dataset(found: SessionKeypoints, subject: str, session: str, units: str = "", rate: float | None = None) -> xr.Dataset:
    """A poses data set of a session; `units` and `rate` (frames per second) as the keypoints' metadata say where they are not given."""
    dataset = xr.Dataset(
        {
            "position": (("time", "space", "keypoints", "individuals"), found.positions.transpose(0, 2, 1)[..., None]),
            "confidence": (("time", "keypoints", "individuals"), found.confidences[..., None]),
        },
        coords={"time": found.times, "space": list("xyz"), "keypoints": found.names, "individuals": [subject]},
        attrs={
            "source_software": f"bkind3d {__version__}",
            "source_file": session,
            "ds_type": "poses",
            "fps": rate or float(found.metadata.get("rate", 1)),
            "time_unit": "seconds",
        },
    )
    dataset["position"].attrs["units"] = units or str(found.metadata.get("units", ""))
    return dataset
