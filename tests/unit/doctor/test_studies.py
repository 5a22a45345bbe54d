import json
from pathlib import Path

import pytest

from bkind3d.cli import main
from bkind3d.config import LocationConfig
from bkind3d.doctor.studies import examine_study
from bkind3d.survey.location import locate_subject
from tests.unit.doctor.conftest import find
from tests.unit.survey.conftest import Scene


def test_a_sound_study_passes_and_gets_a_page(study_folder: Path, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    locate_subject(LocationConfig(), scene.calibration, scene.surveys, study_folder / "results/location/ball.parquet")
    assert main(["doctor", str(study_folder / "config/config.yaml"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"]["failure"] == 0
    assert {"video", "times", "rates", "scale", "picture size", "location", "synchronisation"} <= {
        check["what"] for check in summary["checks"]
    }
    page = (study_folder / "results/doctor.html").read_text()
    assert page.count("data:image/jpeg") == 2
    assert "scatter3d" in page


def test_a_cut_off_video_fails_with_exit_code_2(study_folder: Path, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    video = scene.videos["cam2"]
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert main(["doctor", str(study_folder)]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 or "error: ball/cam2" in said.err
    assert "cam2.mp4" in said.err
    assert said.out.startswith("failure ball/cam2:")
    assert (study_folder / "results/doctor.html").exists()
    assert main(["doctor", str(study_folder), "--keep-going"]) == 0


def test_wrong_sheets_are_a_failure_without_a_page(study_folder: Path) -> None:
    (study_folder / "config/rigs.tsv").write_text("rig\tunits\tcalibration\nother\tmm\trig.toml\n")
    checks, page = examine_study(study_folder)
    assert page is None
    assert [check.status for check in checks] == ["failure"]
    assert "rig 'rig'" in checks[0].sentence


def test_a_study_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path / "nothing.yaml")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_the_real_mouse_keeps_its_place_and_its_copied_camera_is_caught(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(f"recordings: {real_data / 'sleap_anipose'}\nexperiments: {{demo: {{frames: subject}}}}\n")
    (tmp_path / "config/sessions.tsv").write_text("session\tsubject\trig\tsplit\nmouse\tm\trig\ttrain\n")
    rows = "".join(f"mouse\t{camera}\t{camera}/minimal_{camera}.mp4\t\n" for camera in ("top", "side", "back", "mid"))
    (tmp_path / "config/cameras.tsv").write_text("session\tcamera\tvideo\tframe_map\n" + rows)
    for calibration, n_failures in (("from_fd57457/calibration.toml", 0), ("calibration.toml", 1)):
        (tmp_path / "config/rigs.tsv").write_text(f"rig\tunits\tcalibration\nrig\tmm\t{calibration}\n")
        checks, _ = examine_study(tmp_path)
        assert any("keeps its place" in check.sentence for check in checks)
        failures = find(checks, "failure")
        assert len(failures) == n_failures
    assert "'side' and 'top' have the same position and direction" in failures[0]
