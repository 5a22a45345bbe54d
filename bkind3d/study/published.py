"""Published numbers, each with where it was read: one small table, and nothing of it was measured here.

A cell is empty where its source says nothing, and says ``not readable`` where the source shows a bar without its value.
"""

import csv
from importlib.resources import files

#: What a cell says where a number was published but could not be read.
NOT_READABLE = "not readable"


def read_published(data: str = "", measure: str = "") -> list[dict[str, str]]:
    """Rows of ``published.tsv`` of a data set and a measure (pose or actions); all of them where none is named.

    Errors are in millimetres, accuracies in percent.
    """
    lines = files("bkind3d.study").joinpath("published.tsv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [row for row in rows if data in ("", row["data"]) and measure in ("", row["measure"])]
