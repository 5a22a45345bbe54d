from pathlib import Path

import yaml

from bkind3d.config import LocationConfig
from bkind3d.doctor.checks import Check
from bkind3d.doctor.page import choose_pictured
from bkind3d.doctor.sessions import Examined
from bkind3d.doctor.studies import examine_study
from bkind3d.survey.location import locate_subject
from tests.unit.survey.conftest import Scene


def test_without_pictures_the_page_shows_none(study_folder: Path, scene: Scene) -> None:
    locate_subject(LocationConfig(), scene.calibration, scene.surveys, study_folder / "results/location/ball.parquet")
    path = study_folder / "config/config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "report": {"pictures": False}}))
    examine_study(study_folder)
    page = (study_folder / "results/doctor.html").read_text()
    assert "<img" not in page
    assert "data:image/jpeg" not in page
    assert "Pictures are left out" in page
    assert "scatter3d" in page


def test_pictures_are_of_the_sessions_with_the_gravest_findings() -> None:
    found = {"a": "pass", "b": "warning", "c": "pass", "d": "failure"}
    examined = [Examined(name, "mm", [Check("pass", "video", "fine"), Check(status, "rates", "?")]) for name, status in found.items()]  # type: ignore[arg-type]
    assert choose_pictured(examined, 1) == {"d"}
    assert choose_pictured(examined, 3) == {"d", "b", "a"}
    assert choose_pictured([Examined("e", "mm"), *examined], 9) == {"a", "b", "c", "d", "e"}
