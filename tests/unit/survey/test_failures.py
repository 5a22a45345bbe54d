"""A session that fails goes through all stages, and its tables say why."""

import shutil

import pytest

from bkind3d.cli import main
from bkind3d.data.datasets import NoFramesError, SessionFrames
from bkind3d.data.parquet import read_failure, read_table
from bkind3d.data.results import write_json


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text("{}")
    return ["--config", str(path)]


def test_a_damaged_video_costs_its_session_alone(scene, settings, tmp_path, capsys):
    damaged = tmp_path / "cam2.mp4"
    damaged.write_bytes(b"this is no video")
    survey, location, frames = (tmp_path / f"{name}.parquet" for name in ("survey", "session", "frames"))
    command = ["survey-video", str(damaged), *settings, "--output", str(survey)]
    assert main(command) == 2 and not survey.exists()
    assert main([*command, "--keep-going"]) == 0
    assert str(damaged) in read_failure(survey) and "the other sessions go on without it" in capsys.readouterr().out
    surveys = scene.surveys | {"cam2": survey}
    named = [f"{camera}={path}" for camera, path in surveys.items()]
    command = ["locate-subject", *settings, "--calibration", str(scene.calibration), "--surveys", *named, "--output", str(location)]
    assert main(command) == 2 and main([*command, "--keep-going"]) == 0
    table = read_table(location, "location")
    assert read_failure(location).startswith("camera cam2: ") and not table["valid"].any()
    assert len(table) == len(read_table(scene.surveys["cam1"], "survey"))
    command = ["extract-frames", str(scene.videos["cam1"]), *settings, "--camera", "cam1", "--calibration", str(scene.calibration)]
    cube = tmp_path / "cube.json"
    write_json({"side": 100.0, "units": "mm"}, cube)
    command += ["--survey", str(scene.surveys["cam1"]), "--location", str(location), "--cube", str(cube), "--output", str(frames)]
    assert main(command) == 2 and main([*command, "--keep-going"]) == 0
    assert len(read_table(frames, "frames")) == len(table) and read_failure(frames) == read_failure(location)
    with pytest.raises(NoFramesError, match="session session: camera cam2"):
        SessionFrames([frames, shutil.copy(frames, tmp_path / "other.parquet")])


def test_faults_of_the_machine_are_not_kept(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "bkind3d.survey.videos.survey_video", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    assert main(["survey-video", "any.mp4", *settings, "--keep-going", "--output", str(tmp_path / "survey.parquet")]) == 2
    assert not (tmp_path / "survey.parquet").exists()
