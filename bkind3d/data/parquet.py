"""Parquet tables: the schemas of every intermediate, and the only way they are read and written.

A table is written to a private temporary name and renamed, so that a reader never meets half a file. Every file carries
in its metadata what it is (``bkind3d.table``), the package's version (frames excepted), and what the writer adds (units, frame of
reference, hashes of sources) as JSON. Pages have checksums, which every reading asks for; the footer, which says what they mean, has a seal
before it, where other programs look for nothing.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bkind3d import __version__
from bkind3d.config import InputError
from bkind3d.data.writing import replaced_when_complete

#: What the seal of a footer, its SHA-256, begins with, and how long it is.
_SEAL, _SEAL_BYTES = b"bkind3d\0", 8 + 32
#: Bytes after the footer, which say how long it is, and that this is Parquet; the longest footer, these among it.
_END, _MOST_FOOTER = 8, 2**28
#: Rows of a table: months at 100 Hz.
_MOST_ROWS = 2**30

_PREFIX = b"bkind3d."
_I, _F, _D, _S, _B = pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.binary()

#: Rows of a row group in tables with pictures: few, so that single frames can be read without all the others.
PICTURE_ROWS = 128

_ERRORS = {"mpjpe": _D, "root_mpjpe": _D, "n_mpjpe": _D, "pa_mpjpe": _D, "pck": _D, "auc": _D}

#: Column names and types of every table. Further columns are allowed only where a reader asks for them.
TABLES: dict[str, dict[str, pa.DataType]] = {
    # One row per frame of a camera. Pixels of the survey picture (`width` x `height` in the metadata), mask as PNG there.
    # video_frame: number in the video, -1 where the video lacks this frame of the session. area to box describe the largest
    # silhouette; clusters holds these seven numbers for every silhouette, largest first. shadows: what contrasts and is taken for shadow, as PNG, too; empty for none.
    "survey": {"frame": _I, "time_s": _D, "brightness": _F, "motion": _F, "area": _F, "centroid_x": _F, "centroid_y": _F,
               "box_x0": _F, "box_y0": _F, "box_x1": _F, "box_y1": _F, "fault": _S, "mask": _B,
               "video_frame": _I, "clusters": pa.list_(_F), "shadows": _B},
    # One row per frame of a session. World units; residual in shares of the picture's longer side.
    "location": {"frame": _I, "time_s": _D, "x": _F, "y": _F, "z": _F, "n_views": _I, "residual": _F, "valid": pa.bool_()},
    # One row per frame of a camera. p00..p23 maps homogeneous world points to pixels of exactly this image;
    # x, y, z is the centre of the cube around the subject (from the location), world units.
    "frames": {"frame": _I, "time_s": _D, "x": _F, "y": _F, "z": _F, "image": _B, "mask": _B, "width": _I, "height": _I,
               **{f"p{i}{j}": _D for i in range(3) for j in range(4)}, "valid": pa.bool_()},
    "keypoints": {"frame": _I, "time_s": _D, "keypoint": _S, "x": _F, "y": _F, "z": _F, "confidence": _F, "spread": _F,
                  "reprojection_px": _F},
    "edges": {"keypoint_a": _S, "keypoint_b": _S, "weight": _F},
    # Frames of the training sessions whose joints a model learned from.
    "labels": {"session": _S, "frame": _I},
    "joints": {"frame": _I, "joint": _S, "x": _F, "y": _F, "z": _F},
    # Joints that were found, as keypoints are: spread is the radius of the ball that is to hold the true position, see the metadata.
    "found_joints": {"frame": _I, "time_s": _D, "joint": _S, "x": _F, "y": _F, "z": _F, "spread": _F, "reprojection_px": _F},
    # Angles in degrees, lengths in world units, speeds in world units per second.
    "kinematics": {"frame": _I, "time_s": _D, "measure": _S, "value": _F},
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


def write_empty(kind: str, path: str | Path, metadata: Mapping[str, Any]) -> None:
    """Write a table without rows."""
    write_table(pd.DataFrame(columns=list(TABLES[kind])), kind, path, metadata)


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
        stack.close()
        if writers:
            _seal(temporary)


def _find_footer(file: BinaryIO) -> tuple[int, bytes]:
    """Where the footer of a table begins, and what stands from there on; the end of what is no table, and nothing."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - _END, 0))
    length = _END + int.from_bytes(file.read(4), "little")
    if file.read() != b"PAR1" or not end - length > _SEAL_BYTES or length > _MOST_FOOTER:
        return end, b""
    file.seek(end - length)
    return end - length, file.read()


def _seal(path: Path) -> None:
    """Put a seal before the footer of a table."""
    with path.open("r+b") as file:
        start, footer = _find_footer(file)
        file.seek(start)
        file.write(_SEAL + hashlib.sha256(footer).digest() + footer)


def _read_seal(file: BinaryIO) -> tuple[int, bool]:
    """Where the seal of a table begins (the end, where there is none: in older tables, and those of others), and whether it is whole."""
    start, footer = _find_footer(file)
    file.seek(max(start - _SEAL_BYTES, 0))
    seal = file.read(_SEAL_BYTES)
    if not (footer and seal.startswith(_SEAL)):
        return file.seek(0, os.SEEK_END), True
    return start - _SEAL_BYTES, seal.endswith(hashlib.sha256(footer).digest())


def hash_content(path: str | Path) -> str:
    """SHA-256 of a table without its seal, which those that were written before have not."""
    try:
        with open(path, "rb") as file:
            end, _ = _read_seal(file)
            digest = hashlib.sha256()
            file.seek(0)
            while part := file.read(min(end - file.tell(), 2**20)):
                digest.update(part)
            file.seek(_SEAL_BYTES, os.SEEK_CUR)
            digest.update(file.read())
            return digest.hexdigest()
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "make it readable, or make it anew") from None


@contextmanager
def refused_where_damaged(path: str | Path) -> Iterator[None]:
    """Turn whatever a reader of Parquet stumbles over into one line."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, pa.ArrowException, MemoryError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(path, f"cannot be read as Parquet ({reason})", "make it anew, or copy it again") from None


def open_parquet(path: str | Path) -> pq.ParquetFile:
    """Open a table of any columns, mapped, not read, whose damage is noticed when it is read (:func:`refused_where_damaged`)."""
    if not os.path.isfile(path):
        raise InputError(path, "cannot be read (there is no such file)", "check the path")
    with open(path, "rb") as file:
        if not _read_seal(file)[1]:
            raise InputError(path, "is damaged: what it says of itself is not what was written", "make it anew, or copy it again")
    file = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
    if file.metadata.num_rows > _MOST_ROWS:
        raise InputError(path, f"has {file.metadata.num_rows:,} rows, more than a table can have", "make it anew, or copy it again")
    return file


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
    with refused_where_damaged(path), open_parquet(path) as file:
        raw = file.schema_arrow.metadata or {}
        return {key.removeprefix(_PREFIX).decode(): json.loads(value) for key, value in raw.items() if key.startswith(_PREFIX)}


def read_failure(path: str | Path) -> str:
    """Why a table of one session holds nothing, where its stage could not be done for that session alone; else empty."""
    return str(read_metadata(path).get("failed", ""))


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
    with refused_where_damaged(path), open_parquet(path) as file:
        names = file.schema_arrow.names
        missing = [column for column in wanted if column not in names]
        if missing:
            raise InputError(path, f"column {missing[0]!r} of a {kind} table is missing", f"found {names}")
        chosen = None if frames is None else pc.field("frame").isin(pa.array(frames, type=pa.int64()))
        content = pq.read_table(
            path, columns=wanted if columns else None, filters=chosen, partitioning=None, page_checksum_verification=True
        )
    for index, column in enumerate(content.column_names):
        if column in schema and content.schema.field(column).type != schema[column]:
            try:
                content = content.set_column(index, column, content[column].cast(schema[column]))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise InputError(
                    path,
                    f"column {column!r} has type {content.schema.field(column).type}, expected {schema[column]}",
                    "write the column with this type",
                ) from None
    return content
