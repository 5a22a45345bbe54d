import json
from pathlib import Path

import pytest
import yaml

from bkind3d.cli import main
from bkind3d.config import LocationConfig
from bkind3d.doctor.checks import Check
from bkind3d.doctor.page import choose_pictured
from bkind3d.doctor.sessions import Examined
from bkind3d.doctor.studies import examine_study
from bkind3d.survey.location import locate_subject
from tests.unit.survey.conftest import Scene


def find(checks: list, status: str) -> list[str]:
    return [check.describe() for check in checks if check.status == status]


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


def test_cameras_of_unequal_length_are_refused_with_the_numbers(study_folder: Path, scene: Scene, write_video) -> None:
    from bkind3d.data.video import decode_frames

    pictures = [frame.picture for frame in decode_frames(scene.videos["cam1"])]
    write_video(scene.videos["cam3"], pictures[:25])
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert "different numbers of frames (cam1 30, cam2 30, cam3 25); give frame maps" in failures[0]
    rows = "".join(f"{frame}\t{min(frame, 24)}\n" for frame in range(30))
    (scene.folder / "map.tsv").write_text("frame\tvideo_frame\n" + rows)
    sheet = study_folder / "config/cameras.tsv"
    sheet.write_text(sheet.read_text().replace("videos/cam3.mp4\t", "videos/cam3.mp4\tmap.tsv"))
    assert find(examine_study(study_folder)[0], "failure") == []


def test_different_rates_are_refused(study_folder: Path, scene: Scene, write_video) -> None:
    from bkind3d.data.video import decode_frames

    write_video(scene.videos["cam3"], [frame.picture for frame in decode_frames(scene.videos["cam3"])], rate=25)
    failures = find(examine_study(study_folder)[0], "failure")
    assert ["different rates (cam1 30, cam2 30, cam3 25 per second)" in failure for failure in failures] == [True]


def test_metres_read_as_millimetres_are_found(study_folder: Path, scene: Scene) -> None:
    from dataclasses import replace

    from bkind3d.data.calibration_files import write_calibration

    small = {name: replace(camera, translation=camera.translation / 1000) for name, camera in scene.cameras.items()}
    write_calibration(small, study_folder / "results/calibration/rig.toml", "mm")
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert "the cameras stand 0.0011 m from what they look at, if the calibration is in mm; correct the units" in failures[0]


@pytest.mark.parametrize(
    ("old", "new", "message"), [('name = "cam2"', 'name = "other"', "cam2"), ("distortions = [-0.2", "distortions = [nan", "not finite")]
)
def test_a_wrong_calibration_is_named(study_folder: Path, old: str, new: str, message: str) -> None:
    path = study_folder / "results/calibration/rig.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert message in failures[0]


def test_a_late_camera_is_named(study_folder: Path, scene: Scene) -> None:
    from tests.unit.survey.test_synchronisation import delay

    delay(scene, "cam2", 3)
    locate_subject(LocationConfig(max_offset_frames=6), scene.calibration, scene.surveys, study_folder / "results/location/ball.parquet")
    warnings = find(examine_study(study_folder)[0], "warning")
    assert ["ball/cam2: shows moments +3" in warning and "correct_offsets" in warning for warning in warnings if "moments" in warning] == [
        True
    ]


def test_a_late_camera_is_named_before_anything_is_located(study_folder: Path, scene: Scene, write_video) -> None:
    from bkind3d.data.video import decode_frames

    pictures = [frame.picture for frame in decode_frames(scene.videos["cam2"])]
    write_video(scene.videos["cam2"], [pictures[max(0, number - 3)] for number in range(len(pictures))])
    config = study_folder / "config/config.yaml"
    config.write_text(config.read_text() + "location: {max_offset_frames: 5}\n")
    told = [check.sentence for check in examine_study(study_folder)[0] if check.what == "synchronisation" and check.status == "warning"]
    assert ["shows moments +3" in sentence for sentence in told] == [True]


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
        assert any("hardly anything moves" in check.sentence for check in checks)
        failures = find(checks, "failure")
        assert len(failures) == n_failures
    assert "'side' and 'top' have the same position and direction" in failures[0]
