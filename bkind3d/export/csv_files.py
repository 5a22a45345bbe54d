"""Comma-separated text, written in blocks: fast, and in little memory."""

import re
from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.data.writing import replaced_when_complete

#: Cells that are formatted at once.
BLOCK_CELLS = 2_000_000


def write_csv(path: Path, header: str, columns: Sequence[Shaped[NDArray, "..."]], decimals: Sequence[int | None] = ()) -> None:
    """Write `header` as it is, and `columns` below it.

    Numbers have the fewest digits that give exactly the same number when they are read again; NaN is left empty.

    Parameters
    ----------
    columns : arrays of one shape, each flattened into a column. They are cut along their first axis, so what repeats may be a
        view (``np.broadcast_to``) that needs no memory.
    decimals : of each column, where numbers are rounded; none at all where all keep their digits.
    """
    step = max(BLOCK_CELLS // max(sum(column[:1].size for column in columns), 1), 1)
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with replaced_when_complete(path) as temporary, open(temporary, "wb") as file:
        file.write(header.encode() + b"\n")
        for start in range(0, len(columns[0]), step):
            blocks = [np.ravel(column[start : start + step]) for column in columns]
            arrays = [_as_arrow(block, places) for block, places in zip(blocks, decimals or repeat(None), strict=False)]
            pyarrow.csv.write_csv(pa.table(arrays, names=[str(index) for index in range(len(arrays))]), file, options)


def spell_names(names: Iterable[str]) -> list[str]:
    """Names as CSV can hold them without quotes, and as no spreadsheet takes them for formulas: with _ for the letters in the way."""
    return [re.sub(r'^[=+\-@]|[,"\x00-\x1f\x7f]', "_", name) for name in names]


def _as_arrow(column: Shaped[NDArray, "..."], decimals: int | None) -> pa.Array:
    """A column; with a fixed number of decimals it is written in half the time."""
    if decimals is None:
        return pa.array(np.ascontiguousarray(column), from_pandas=True)
    known = np.isfinite(column)
    scaled = np.rint(np.where(known, column, 0) * np.float64(10**decimals)).astype(np.int64)
    return pa.array(scaled, mask=~known).view(pa.decimal64(18, decimals))
