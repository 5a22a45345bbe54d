"""A study around the filmed ball."""

import shutil
from pathlib import Path

import pytest

from tests.unit.survey.conftest import Scene, filmed, scene

__all__ = ["filmed", "scene"]


@pytest.fixture
def study_folder(scene: Scene) -> Path:
    """A study with one session, its rig calibrated."""
    folder = scene.folder / "study"
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(f"recordings: {scene.folder}\nexperiments: {{demo: {{frames: subject}}}}\n")
    (folder / "config/sessions.tsv").write_text("session\tsubject\trig\tsplit\nball\tb\trig\ttrain\n")
    rows = "".join(f"ball\t{camera}\tvideos/{camera}.mp4\t\n" for camera in scene.cameras)
    (folder / "config/cameras.tsv").write_text("session\tcamera\tvideo\tframe_map\n" + rows)
    (folder / "config/rigs.tsv").write_text("rig\tunits\tcalibration\nrig\tmm\trig.toml\n")
    (folder / "results/calibration").mkdir(parents=True)
    (folder / "results/experiments/demo/training").mkdir(parents=True)
    (folder / "results/experiments/demo/training/model.pt").touch()  # so that no memory is measured: that takes seconds
    shutil.copy(scene.calibration, folder / "results/calibration/rig.toml")
    return folder


def find(checks: list, status: str) -> list[str]:
    """What checks of a status say."""
    return [check.describe() for check in checks if check.status == status]
