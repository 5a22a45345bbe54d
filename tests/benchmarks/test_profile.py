"""The profile: all that was counted is in its tables, of random pictures and of a study's."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from benchmarks import profile
from benchmarks.limits import Limits
from bkind3d.checkpoint import Provenance
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.methods.discovery.model import DiscoveryModel
from tests.unit.scenes import write_session

LIMITS = Limits(1e11, 4e11, 1e11, 3e11, 4e10, 2e8)
SMALL = "model: {volume_size: 8, volume_channels: 4, volume_levels: 1, encoder: efficientnet-lite0, plain_features: true}"


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates are those of a machine that is known."""
    monkeypatch.setattr(profile, "measure_limits", lambda *_: LIMITS)


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    common = ["--image", "32", "--views", "2", "--batch", "2", "--repeats", "1"]
    monkeypatch.setattr("sys.argv", ["profile", *common, *arguments])
    profile.main()
    return capsys.readouterr().out


@pytest.mark.parametrize(("preset", "settings", "stages"), [
    ("demo", SMALL, {"image encoder", "feature pyramid", "un-project features", "volume network", "losses", "optimiser"}),
    ("paper", SMALL, {"image encoder", "decoder", "draw edges", "perceptual loss", "volume network", "losses"}),
])  # fmt: skip
def test_every_stage_of_any_preset_has_a_row(preset, settings, stages, capsys, monkeypatch) -> None:
    result = json.loads(run(capsys, monkeypatch, "--preset", preset, "--settings", settings, "--format", "json"))
    table = pd.DataFrame(result["parts"]["training step"]).set_index("stage")
    assert stages <= set(table.index)
    assert (table.loc[list(stages - {"draw edges", "losses", "optimiser"}), "gflop"] > 0).all()
    sums = table.drop(index="all")[["gflop", "mb", "forward_ms", "backward_ms", "limit_ms"]].sum()
    assert sums.to_dict() == pytest.approx(table.loc["all", sums.index].to_dict())
    assert ("random weights in place of published ones" in result["remark"]) == (preset == "paper")


def test_the_table_can_be_read_by_a_person_and_by_a_program(capsys, monkeypatch) -> None:
    arguments = ("--preset", "demo", "--settings", SMALL)
    text = run(capsys, monkeypatch, *arguments)
    assert "matrix product 100 GFLOP/s in 32 bits and 400 in bf16" in text
    assert "| volume network |" in text
    table = pd.read_csv(io.StringIO(run(capsys, monkeypatch, *arguments, "--format", "tsv")), sep="\t")
    assert set(table["part"]) == {"training step", "network of a prediction, per frame"}


def test_a_session_is_predicted_stage_by_stage(tmp_path: Path) -> None:
    frames = write_session(tmp_path, "one", n_frames=6)
    values = {"preset": "demo", "frames": "f", "model": {"volume_size": 8, "volume_channels": 4, "volume_levels": 1}}
    config = parse_section(ExperimentConfig, values, "test")
    model = DiscoveryModel(config.model).eval()
    measured = profile.Profile(LIMITS, False, "cpu", 1)
    table = profile.profile_session(measured, model, Provenance("x", 0, "mm", 0, experiment=config.model_dump_json()), frames, 4)
    stages = set(table["stage"])
    assert {profile.LOAD, profile.HEADINGS, profile.RESIDUALS, profile.AGAIN, profile.WRITE, "volume network"} <= stages
    assert (table.set_index("stage").loc[[profile.LOAD, profile.HEADINGS, profile.RESIDUALS, profile.WRITE], "forward_ms"] > 0).all()
    before = profile.prediction.measure_residuals
    assert not hasattr(before, "__wrapped__"), "the package is left as it was"


def test_a_study_without_frames_is_refused_in_one_line(capsys, monkeypatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^benchmarks.profile: .*config.yaml"):
        run(capsys, monkeypatch, str(tmp_path))
    assert torch.is_grad_enabled()
