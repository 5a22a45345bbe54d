"""The verb that finds keypoints: what its table says of its network, and which models it refuses."""

from pathlib import Path

import pytest
import torch

from bkind3d.checkpoint import Provenance, save_model
from bkind3d.cli import main
from bkind3d.config import ExperimentConfig
from bkind3d.data.parquet import read_metadata
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
