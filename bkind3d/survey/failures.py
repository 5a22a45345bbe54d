"""What is written of a session that cannot be surveyed, located or cut: its frames, as far as they are known, in none of which anything is.

So whatever comes after needs no rule of its own for it: it is a session without subject, and its tables say why (``failed``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bkind3d.config import FramesConfig
from bkind3d.data.parquet import TABLES, read_metadata, read_table, write_table
from bkind3d.survey.frames import window_side


def write_no_survey(output: str | Path, reason: str) -> None:
    """Write the table ``survey`` of a video of which nothing is known."""
    row = dict.fromkeys(TABLES["survey"], np.nan) | {
        "frame": 0,
        "time_s": 0.0,
        "fault": "missing",
        "mask": b"",
        "shadows": b"",
        "video_frame": -1,
    }
    write_table(pd.DataFrame([row | {"clusters": [], "area": 0.0}]), "survey", output, {"failed": reason})


def write_no_location(surveys: Mapping[str, str | Path], output: str | Path, silhouettes: str | Path | None, reason: str) -> None:
    """Write the table ``location`` of a session whose subject is nowhere; frames and rate are those of a camera that was surveyed.

    And, where they are asked for, its revised `silhouettes`: none.
    """
    if silhouettes is not None:
        write_table(pd.DataFrame(columns=list(TABLES["silhouettes"])), "silhouettes", silhouettes, {"failed": reason})
    frames, rate = pd.DataFrame({"frame": [0], "time_s": [0.0]}), None
    for path in surveys.values():
        metadata = read_metadata(path)
        if not metadata.get("failed"):
            frames, rate = read_table(path, "survey", ["frame", "time_s"]), metadata["rate"]
            break
    table = frames.assign(x=np.nan, y=np.nan, z=np.nan, n_views=0, residual=np.nan, valid=False)
    details: dict[str, Any] = {
        "extent": None,
        "agreement": {},
        "units": "",
        "valid": 0.0,
        "rate": rate,
        "offsets": {},
        "contradictions": [],
        "left_out": {},
        "remarks": [reason],
        "failed": reason,
    }
    write_table(table, "location", output, details)


def write_no_frames(location: str | Path, camera: str, config: FramesConfig, output: str | Path, reason: str) -> None:
    """Write the table ``frames`` of a camera that shows the subject in no frame."""
    table, place = read_table(location, "location", ["frame", "time_s"]).iloc[:: config.step], read_metadata(location)
    nowhere = {name: np.nan for name in TABLES["frames"] if name not in ("frame", "time_s")}
    empty = nowhere | {"image": b"", "mask": b"", "width": window_side(config), "height": window_side(config), "valid": False}
    details = {
        "size": config.size, "margin": config.margin, "window": config.window, "step": config.step, "side": None,
        "camera": camera, "session": Path(location).stem, "units": place.get("units", ""), "rate": place.get("rate"), "failed": place.get("failed") or reason,
    }  # fmt: skip
    write_table(table.assign(**empty), "frames", output, details)
