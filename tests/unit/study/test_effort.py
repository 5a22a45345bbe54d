"""The dry run says how many core hours are left, from the headers of the videos."""

import re

import pytest
import yaml

from bkind3d.study import effort, storage
from bkind3d.study.opening import load_study
from tests.workflow.tiny_study import write_study


@pytest.fixture
def study(tmp_path):
    return load_study(folder=write_study(tmp_path / "study", frames=20, cameras=2))


def read_hours(line: str) -> dict[str, float]:
    """The total, and that of each stage."""
    total, parts = re.search(r"about (\S+) core hours are left to compute \((.+?)\)", line).groups()
    return {"all": float(total)} | {stage: float(hours) for stage, hours in (part.rsplit(" ", 1) for part in parts.split(", "))}


def test_hours_grow_with_the_frames_and_pixels_of_the_videos(study, monkeypatch) -> None:
    monkeypatch.setattr(storage, "_read_header", lambda _: storage.VideoSize(360_000, 1280 * 1024))
    hours = read_hours(effort.explain_effort(study))
    n_videos = sum(map(len, study.cameras.values()))
    decoded = 360_000 * 1280 * 1024 * effort.DECODE / 3600
    assert hours["surveys"] == pytest.approx(n_videos * (decoded + 360_000 * effort.SURVEY / 3600), rel=0.05)
    assert hours["location"] == pytest.approx(n_videos * 360_000 * effort.LOCATE / 3600, rel=0.05)
    assert hours["all"] == pytest.approx(sum(hours.values()) - hours["all"], rel=0.05)


def test_what_is_there_is_not_counted(study) -> None:
    before = read_hours(effort.explain_effort(study))
    for stage, path, _ in effort.list_work(study):
        if stage in {"surveys", "frames", "location"}:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    after = read_hours(effort.explain_effort(study))
    assert {"surveys", "frames", "location"} <= {*before} and not {"surveys", "frames", "location"} & {*after}
    assert after["keypoints"] == before["keypoints"]
    for _, path, _ in effort.list_work(study):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert effort.explain_effort(study) is None


def test_networks_of_which_nothing_is_known_are_said_to_be_left_out(study) -> None:
    assert "trainings not counted" in effort.explain_effort(study)
    file = study.folder / "config" / "config.yaml"
    settings = yaml.safe_load(file.read_text())
    for experiment in settings["experiments"].values():
        experiment.setdefault("model", {})["encoder"] = "resnet18"
    file.write_text(yaml.safe_dump(settings))
    line = effort.explain_effort(load_study(folder=study.folder))
    assert "keypoints by image encoders and other methods, not counted" in line and "keypoints" not in read_hours(line)


def test_the_rates_are_those_of_the_demo(study) -> None:
    """Its network has 24 voxels a side and 16 channels; a moment of four views takes 7 to 8 ms."""
    experiment = next(iter(study.config.experiments.values()))
    network = experiment.model.model_copy(update={"volume_size": 24, "volume_channels": 16, "encoder": "none"})
    assert effort.predict_moment(experiment.model_copy(update={"model": network}), 4) == pytest.approx(7.5e-3, rel=0.1)
