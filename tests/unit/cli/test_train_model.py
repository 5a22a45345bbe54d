from pathlib import Path

import pandas as pd
import pytest

from bkind3d.cli import main
from bkind3d.data.parquet import write_table


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ("one", "--frames: 'one' is not of the form NAME=PATH"),
        ("one=gone.parquet", "gone.parquet: cannot be read (No such file or directory)"),
        ("one=joints.parquet", "joints.parquet: is not a frames table"),
    ],
)
def test_frames_that_are_none_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], frames: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("experiment.yaml").write_text("frames: subject\n")
    write_table(pd.DataFrame({"frame": [0], "joint": ["nose"], "x": [0.0], "y": [0.0], "z": [0.0]}), "joints", "joints.parquet")
    outputs = [f"--{name}={name}.out" for name in ("output", "untrained", "history", "edges")]
    assert main(["train-model", "--config=experiment.yaml", f"--frames={frames}", "--store=store", "--device=cpu", *outputs]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert message in line
    assert not list(tmp_path.glob("*.out"))
