"""Parquet tables: the schemas of every intermediate, and the only way they are read and written.

A table is written to a private temporary name and renamed, so that a reader never meets half a file. Every file carries
in its metadata what it is (``bkind3d.table``), the package's version (frames excepted), and what the writer adds (units, frame of
reference, hashes of sources) as JSON.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bkind3d import __version__
from bkind3d.config import InputError
from bkind3d.data.writing import replaced_when_complete

_PREFIX = b"bkind3d."
_I, _F, _D, _S, _B = pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.binary()

#: Rows of a row group in tables with pictures: few, so that single frames can be read without all the others.
PICTURE_ROWS = 128

_ERRORS = {"mpjpe": _D, "root_mpjpe": _D, "n_mpjpe": _D, "pa_mpjpe": _D, "pck": _D, "auc": _D}

#: Column names and types of every table. Further columns are allowed only where a reader asks for them.
TABLES: dict[str, dict[str, pa.DataType]] = {
    # One row per frame of a camera. Pixels of the survey picture (`width` x `height` in the metadata), mask as PNG there.
    # video_frame: number in the video, -1 where the video lacks this frame of the session. area to box describe the largest
    # silhouette; clusters holds these seven numbers for every silhouette, largest first.
    "survey": {"frame": _I, "time_s": _D, "brightness": _F, "motion": _F, "area": _F, "centroid_x": _F, "centroid_y": _F,
               "box_x0": _F, "box_y0": _F, "box_x1": _F, "box_y1": _F, "fault": _S, "mask": _B,
               "video_frame": _I, "clusters": pa.list_(_F)},
    # One row per frame of a session. World units; residual in shares of the picture's longer side.
    "location": {"frame": _I, "time_s": _D, "x": _F, "y": _F, "z": _F, "n_views": _I, "residual": _F, "valid": pa.bool_()},
    # One row per frame of a camera. p00..p23 maps homogeneous world points to pixels of exactly this image;
    # x, y, z is the centre of the cube around the subject (from the location), world units.
    "frames": {"frame": _I, "time_s": _D, "x": _F, "y": _F, "z": _F, "image": _B, "mask": _B, "width": _I, "height": _I,
               **{f"p{i}{j}": _D for i in range(3) for j in range(4)}, "valid": pa.bool_()},
    "keypoints": {"frame": _I, "time_s": _D, "keypoint": _S, "x": _F, "y": _F, "z": _F, "confidence": _F, "spread": _F,
                  "reprojection_px": _F},
    "edges": {"keypoint_a": _S, "keypoint_b": _S, "weight": _F},
    "joints": {"frame": _I, "joint": _S, "x": _F, "y": _F, "z": _F},
    "behaviours": {"frame": _I, "behaviour": _S},
    "frame_map": {"frame": _I, "video_frame": _I},
    "silhouettes": {"frame": _I, "camera": _S, "mask": _B},
    # One row per frame of a simulated session: the mean of its true joints, world units, and where its front is: radians, anticlockwise from
    # the world's x axis as seen from above.
    "poses": {"frame": _I, "x": _F, "y": _F, "z": _F, "heading": _F},
    "history": {"step": _I, "seconds": _D, "term": _S, "value": _D},
    # One row per method and test frame, and per method and joint; world units. errors of frames are means over their joints.
    # pck and auc are shares; n_unknown counts judged frames without a true position of the joint. A frame's behaviour may be empty.
    "errors": {"method": _S, "session": _S, "frame": _I, "time_s": _D, "behaviour": _S, **_ERRORS},
    "joint_errors": {"method": _S, "joint": _S, "n_frames": _I, "n_unknown": _I, **_ERRORS},
    "confusion": {"features": _S, "true": _S, "predicted": _S, "count": _I},
    # One row per window of a session: frames of its middle, start and end (the last one), the angle (radians) by which it is turned about
    # the vertical to lie as all others, its cluster (from 1), the distance to the cluster's centre, and the behaviour, which may be empty.
    "movements": {"session": _S, "frame": _I, "time_s": _D, "start": _I, "stop": _I, "turn": _D, "cluster": _I, "distance": _D,
                  "behaviour": _S},
    "calibration": {"camera": _S, "n_board_frames": _I, "n_points": _I, "mean_px": _D, "median_px": _D, "p95_px": _D, "coverage": _D},
}  # fmt: skip


def write_table(table: pd.DataFrame, kind: str, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write `table` as Parquet (zstd) with the schema of `kind`; columns beyond the schema are kept as they are.

    Parameters
    ----------
    table : one row per entry, with at least the columns of ``TABLES[kind]``.
    kind : a key of :data:`TABLES`.
    path : the file; its folder is made.
    metadata : anything JSON can hold; bytes are not allowed (put pictures into columns).
    """
    with open_table(kind, path, metadata) as add_rows:
        add_rows(table)


@contextmanager
def open_table(kind: str, path: str | Path, metadata: Mapping[str, Any] | None = None) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Write a table part by part, so that it never has to be in memory; gives the function that adds rows.

    The parameters are those of :func:`write_table`. The file is there when the block ends without an error.
    """
    rows = PICTURE_ROWS if _B in TABLES[kind].values() else None
    with replaced_when_complete(path) as temporary, ExitStack() as stack:
        writers: list[pq.ParquetWriter] = []

        def add_rows(table: pd.DataFrame) -> None:
            content = _make_content(table, kind, metadata)
            if not writers:
                writers.append(
                    stack.enter_context(pq.ParquetWriter(temporary, content.schema, compression="zstd", write_page_checksum=True))
                )
            writers[0].write_table(content, row_group_size=rows)

        yield add_rows


def _make_content(table: pd.DataFrame, kind: str, metadata: Mapping[str, Any] | None) -> pa.Table:
    schema = TABLES[kind]
    missing = [column for column in schema if column not in table.columns]
    if missing:
        raise ValueError(f"Expected columns {list(schema)} for a {kind} table, got no {missing}")
    arrays = {
        column: pa.array(table[column], type=schema.get(column), from_pandas=True)
        for column in [*schema, *(c for c in table.columns if c not in schema)]
    }
    # A training is known by the bytes of its frames: another version of the package that cuts the same pictures changes none of them.
    version = {} if kind == "frames" else {"version": __version__}
    entries = {"table": kind, **version, **(metadata or {})}
    described = {_PREFIX + key.encode(): json.dumps(value).encode() for key, value in entries.items()}
    return pa.table(arrays).replace_schema_metadata(described)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Read what the writer of the Parquet file at `path` said about it (units, hashes, ...)."""
    try:
        raw = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split())})") from None
    return {key.removeprefix(_PREFIX).decode(): json.loads(value) for key, value in raw.items() if key.startswith(_PREFIX)}


def read_table(path: str | Path, kind: str, columns: list[str] | None = None, frames: Iterable[int] | None = None) -> pd.DataFrame:
    """Read the Parquet table at `path`; refuse it, naming file and column, where it is not a `kind`.

    Files that others wrote (joints, behaviours) need no metadata of ours; columns are cast where nothing is lost.
    With `frames`, only the rows of these frames are read (a few pictures of a long recording, say).
    """
    return read_arrow_table(path, kind, columns, frames).to_pandas()


def read_arrow_table(path: str | Path, kind: str, columns: list[str] | None = None, frames: Iterable[int] | None = None) -> pa.Table:
    """Read as :func:`read_table` does, without pandas' copy of every column."""
    schema = TABLES[kind]
    wanted = columns or list(schema)
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        missing = [column for column in wanted if column not in names]
        if missing:
            raise InputError(f"{path}: column {missing[0]!r} of a {kind} table is missing; found {names}")
        chosen = None if frames is None else pc.field("frame").isin(pa.array(frames, type=pa.int64()))
        content = pq.read_table(path, columns=wanted if columns else None, filters=chosen, partitioning=None)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split())})") from None
    for index, column in enumerate(content.column_names):
        if column in schema and content.schema.field(column).type != schema[column]:
            try:
                content = content.set_column(index, column, content[column].cast(schema[column]))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise InputError(
                    f"{path}: column {column!r} has type {content.schema.field(column).type}, expected {schema[column]}"
                ) from None
    return content
