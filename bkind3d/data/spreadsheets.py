"""Tables as spreadsheets save them: any delimiter, decimal commas, empty columns at the end, empty lines."""

import csv
import io
import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError, read_text

log = logging.getLogger(__name__)

_DELIMITERS = ("\t", ";", ",", "|", " ")
_MOST_BYTES = 2**30


def read_spreadsheet(path: str | Path, known: Collection[str]) -> pd.DataFrame:
    """Read a table of texts; its delimiter is the one that finds most of the `known` columns in the first line, whatever the file is called.

    Names of columns are in small letters and without blanks around them; columns without a name hold nothing and are passed over,
    and so are empty lines.

    Raises
    ------
    InputError : where the file cannot be read, has no first line, or a line has more cells than there are columns.
    """
    lines = io.StringIO(read_text(path, "check the path", _MOST_BYTES))
    first = lines.readline()
    delimiter = max(_DELIMITERS, key=lambda mark: len(set(known).intersection(_split_names(first, mark))))
    names = _split_names(first, delimiter)
    while names and not names[-1]:
        names.pop()
    if len(set(names)) != len(names) or "" in names:
        raise InputError(path, f"its first line names the columns {names}, which is not one name each", "name every column once")
    rows = []
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            row = [cell.strip() for cell in cells]
            while row and not row[-1]:
                row.pop()
            if len(row) > len(names):
                what = f"cannot be read as a table (a line has {len(row)} cells, and the first one names {len(names)} columns: {row[:6]})"
                commas = delimiter == "," and len(row) == 2 * len(names)
                raise InputError(path, what, "save decimal commas with semicolons between the cells" if commas else "save it again")
            if row:
                rows.append(row + [""] * (len(names) - len(row)))
    except csv.Error as error:
        raise InputError(path, f"cannot be read as a table ({error})", "save it again") from None
    return pd.DataFrame(rows, columns=names, dtype=str)


def _split_names(line: str, delimiter: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in line.rstrip("\r\n").split(delimiter)]


def read_numbers(table: pd.DataFrame, column: str, path: str | Path) -> Float[NDArray, "row"]:
    """The numbers of a column, NaN where a cell is empty; decimal commas are read, and said."""
    values = table[column]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    texts = values.astype(str)
    if texts.str.contains(",", regex=False).any() and not texts.str.contains(".", regex=False).any():
        log.info("%s: column %r has decimal commas", path, column)
        texts = texts.str.replace(",", ".", regex=False)
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError as error:
        raise InputError(path, f"column {column!r} holds something that is no number ({error})", "write numbers, or nothing") from None
