"""Comma-separated text, written in blocks: fast, and in little memory."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.data.parquet import replaced_when_complete

#: Cells that are formatted at once.
BLOCK_CELLS = 2_000_000

Column: TypeAlias = Shaped[NDArray, "..."] | pa.Array


def write_csv(path: Path, header: str, n_rows: int, n_columns: int, make_block: Callable[[slice], Sequence[Column]]) -> None:
    """Write `header` as it is, and below it the columns that `make_block` gives for every slice of rows.

    Numbers have the fewest digits that give exactly the same number when they are read again, or those that
    `round_column` left them; NaN is left empty.
    """
    step = max(BLOCK_CELLS // max(n_columns, 1), 1)
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with replaced_when_complete(path) as temporary, open(temporary, "wb") as file:
        file.write(header.encode() + b"\n")
        for start in range(0, n_rows, step):
            columns = make_block(slice(start, min(start + step, n_rows)))
            arrays = [
                column if isinstance(column, pa.Array) else pa.array(np.ascontiguousarray(column), from_pandas=True) for column in columns
            ]
            pyarrow.csv.write_csv(pa.table(arrays, names=[str(index) for index in range(len(arrays))]), file, options)


def round_column(column: Shaped[NDArray, "..."], decimals: int) -> pa.Array:
    """A column with a fixed number of decimals, which is written in half the time."""
    known = np.isfinite(column)
    scaled = np.rint(np.where(known, column, 0) * np.float64(10**decimals)).astype(np.int64)
    return pa.array(scaled, mask=~known).view(pa.decimal64(18, decimals))
