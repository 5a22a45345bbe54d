"""Labels over time below a player: annotated behaviours, and clusters of movement."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bkind3d.data.keypoints import SessionKeypoints
from bkind3d.data.parquet import read_table
from bkind3d.report.palette import LINES


@dataclass(frozen=True)
class Band:
    """Labels over time; `spans` are (from, to, index of the label), seconds of the session."""

    labels: Sequence[str]
    spans: Sequence[tuple[float, float, int]]

    def describe(self) -> dict[str, Any]:
        """The band as the page's script wants it."""
        colours = [LINES[index % len(LINES)] for index in range(len(self.labels))]
        return {"labels": list(self.labels), "colours": colours, "spans": [[round(a, 3), round(b, 3), label] for a, b, label in self.spans]}


def read_behaviours(path: Path, keypoints: SessionKeypoints) -> Band:
    """The annotated behaviours of a session: spans of consecutive frames with one behaviour."""
    table = read_table(path, "behaviours").drop_duplicates("frame").set_index("frame")["behaviour"]
    given = table.reindex(keypoints.frames).fillna("")
    codes, labels = given.factorize(sort=True)
    numbers = np.asarray(codes)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1) != 0)
    times = np.append(keypoints.times, keypoints.times[-1:])
    spans = [(float(times[a]), float(times[b]), int(numbers[a])) for a, b in zip(starts, [*starts[1:], len(numbers)], strict=True)]
    return Band([str(label) for label in labels], [span for span in spans if labels[span[2]]])


def read_clusters(path: Path, session: str, keypoints: SessionKeypoints) -> Band:
    """The clusters of movement of a session's windows."""
    table = read_table(path, "movements")
    rows = table[table["session"] == session].sort_values("start")
    clusters = sorted(table["cluster"].unique().tolist())
    starts, stops = (np.interp(rows[column], keypoints.frames, keypoints.times).tolist() for column in ("start", "stop"))
    labels = [clusters.index(cluster) for cluster in rows["cluster"]]
    return Band([f"cluster {cluster}" for cluster in clusters], list(zip(starts, stops, labels, strict=True)))
