"""What a scene of the benchmarks gives, without a renderer."""

from pathlib import Path

import pandas as pd

from tests.workflow.tiny_study import write_study

#: Columns of the sheets that name files.
FILES = {"cameras": ("video",), "rigs": ("calibration",), "sessions": ("joints", "behaviours")}


def write_scene(folder: Path, frames: int = 2) -> Path:
    """A study of subjects for tuning, the last of which tests, and one of sealed subjects in a rig of their own."""
    write_study(folder / "tuning", cameras=2, frames=frames, sessions="train test")
    write_study(folder / "sealed", cameras=2, frames=frames, sessions="test test")
    for part in ("tuning", "sealed"):
        for name, columns in FILES.items():
            path = folder / part / f"config/{name}.tsv"
            text = path.read_text().replace("s1\t", f"{part}1\t").replace("s2\t", f"{part}2\t")
            path.write_text(text.replace("ring\t", f"{part}_ring\t").replace("animal", f"{part}_animal"))
            table = pd.read_csv(path, sep="\t", dtype=str)
            table.assign(**{column: "recordings/" + table[column] for column in columns}).to_csv(path, sep="\t", index=False)
    return folder
