"""The checks of every export, over every row of the table; a new format adds how it is read here."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import EXPORT_FORMATS, InputError
from bkind3d.export.checks import NAMES, check_export, make_session
from bkind3d.export.formats import find_writer
from bkind3d.geometry.units import METRES


def read_tidy(path, session):
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    names = table["keypoint"][: len(NAMES)].tolist()
    return names, table[[f"{axis}_{session.units}" for axis in "xyz"]].to_numpy(np.float32).reshape(-1, len(names), 3)


def read_anipose(path, session):
    table = pd.read_csv(path)
    names = [column.removesuffix("_ncams") for column in table.columns if column.endswith("_ncams")]
    return names, np.stack([table[[f"{name}_{axis}" for axis in "xyz"]].to_numpy(np.float32) for name in names], axis=1)


def read_keypoint_moseq(path, session):
    return read_anipose(path / f"{session.name}.csv", session)


def read_deeplabcut(path, session):
    table = pd.read_hdf(path / "3d.h5")["bkind3d"]
    names = list(table.columns.get_level_values("bodyparts").unique())
    return names, table.to_numpy().reshape(len(table), len(names), 3)


def read_movement(path, session):
    import xarray

    with xarray.open_dataset(path, engine="h5netcdf") as data:
        position = data.position.isel(individuals=0).transpose("time", "keypoints", "space")
        return data.keypoints.values.tolist(), position.values


def read_nwb(path, session):
    import pynwb

    with pynwb.NWBHDF5IO(path, "r") as io:
        pose = io.read().processing["behavior"]["MultiCameraPoseEstimation"]
        names = list(pose.skeleton.nodes[:])
        series = [pose.pose_estimation_series.get(f"keypoint_{name}") or pose.pose_estimation_series[name] for name in names]
        return names, np.stack([one.data[:] for one in series], axis=1) / METRES[session.units]


def read_rerun(path, session):
    from rerun.chunk import RrdReader

    found = {}
    for chunk in RrdReader(str(path)).stream():
        batch = chunk.to_record_batch()
        if chunk.entity_path == "/world/keypoints":
            found |= {name: batch.column(name).to_pylist() for name in batch.schema.names}
    names = [one["label"] for one in found["AnnotationContext:context"][0][0][0]["class_description"]["keypoint_annotations"]]
    positions = np.full((len(found["frame"]), len(names), 3), np.nan)
    for row, (points, numbers) in enumerate(zip(found["Points3D:positions"], found["Points3D:keypoint_ids"], strict=True)):
        if points:
            positions[row, numbers] = points
    return names, positions


def read_sleap(path, session):
    import h5py

    with h5py.File(path / "cam_2.analysis.h5") as file:
        return [name.decode() for name in file["node_names"][:]], file["tracks"][0].transpose(2, 1, 0)


READERS = {
    "tidy": read_tidy,
    "nwb": read_nwb,
    "movement": read_movement,
    "anipose": read_anipose,
    "deeplabcut": read_deeplabcut,
    "sleap": read_sleap,
    "keypoint-moseq": read_keypoint_moseq,
    "rerun": read_rerun,
}
#: SLEAP has one table per camera, in pixels.
EXPECTED = {"sleap": lambda session: session.project("cam_2")[0]}


def find_or_skip(form):
    try:
        return find_writer(form)
    except InputError as error:
        pytest.skip(str(error))


def test_every_row_is_checked():
    assert READERS.keys() == EXPORT_FORMATS.keys()


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_the_format_does_what_every_export_has_to_do(tmp_path, form):
    more = (EXPECTED[form],) if form in EXPECTED else ()
    check_export(find_or_skip(form), tmp_path, EXPORT_FORMATS[form], READERS[form], *more)


def spoil_gaps(session, path):
    session.keypoints.positions[np.isnan(session.keypoints.positions)] = 0
    find_writer("tidy")(session, path)


def spoil_folder(session, path):
    find_writer("tidy")(session, path)
    path.with_suffix(".log").touch()


def spoil_frames(session, path):
    shorter = {key: getattr(session.keypoints, key)[1:] for key in ("frames", "times", "positions", "confidences", "spreads")}
    find_writer("tidy")(replace(session, keypoints=replace(session.keypoints, **shorter)), path)


def refuse(session, path):
    raise InputError("", "no")


@pytest.mark.parametrize(
    ("write_session", "message"),
    [(spoil_gaps, "gaps"), (spoil_folder, "something else"), (spoil_frames, "23 frames"), (refuse, "a whole session is refused")],
)
def test_the_checks_find_what_is_wrong(tmp_path, write_session, message):
    with pytest.raises(AssertionError, match=message):
        check_export(write_session, tmp_path, ".csv", read_tidy, lambda _: make_session().keypoints.positions)
