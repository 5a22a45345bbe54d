"""The verbs that train and predict: what a table of keypoints says of its network, and which models and frames are refused."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from bkind3d.checkpoint import Provenance, save_model
from bkind3d.cli import main
from bkind3d.config import ExperimentConfig
from bkind3d.data.parquet import read_metadata, write_table
from bkind3d.methods.discovery.model import DiscoveryModel
from tests.unit.scenes import write_session

SMALL = {
    "n_keypoints": 4,
    "n_symmetric_pairs": 1,
    "volume_size": 8,
    "volume_channels": 4,
    "volume_levels": 1,
    "heading": False,
    "place_spread": None,
}


def predict(folder: Path, units: str) -> int:
    config = ExperimentConfig.model_validate({"preset": "demo", "frames": "f", "model": SMALL})
    torch.manual_seed(0)
    provenance = Provenance("abc", 7, units, 3, "0123456789abcdef", experiment=config.model_dump_json())
    save_model(DiscoveryModel(config.model), provenance, folder / "model.pt")
    frames = [str(path) for path in write_session(folder, "one", n_frames=4)]
    return main(
        ["predict-keypoints", f"--model={folder / 'model.pt'}", "--frames", *frames, f"--output={folder / 'k.parquet'}", "--device=cpu"]
    )


def test_keypoints_say_which_network_found_them(tmp_path: Path) -> None:
    assert predict(tmp_path, "mm") == 0
    metadata = read_metadata(tmp_path / "k.parquet")
    assert (metadata["model"], metadata["units"]) == ("abc", "mm")
    assert (metadata["encoder"], metadata["perceptual"], metadata["encoder_revision"]) == ("none", "none", "0123456789abcdef")


def test_a_model_of_another_unit_is_refused_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(tmp_path, "m") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cam0.parquet: is in mm, but" in line and "was trained in m; use one unit in rigs.tsv" in line
    assert not (tmp_path / "k.parquet").exists()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ("one", "--frames: 'one' is not of the form NAME=PATH"),
        ("one=gone.parquet", "gone.parquet: cannot be read (there is no such file)"),
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
