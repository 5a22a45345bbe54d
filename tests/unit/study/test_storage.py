import shutil
from collections import namedtuple
from dataclasses import replace

import pytest

from bkind3d.study.opening import load_study
from bkind3d.study.storage import clip_frames, explain_storage, measure_videos
from tests.workflow.tiny_study import write_study

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def study(tmp_path):
    return load_study(folder=write_study(tmp_path / "study", frames=20, cameras=2))


def test_frames_are_counted_from_headers(study):
    videos = [str(study.folder / study.find_videos("s1", camera)[0]) for camera in study.cameras["s1"]]
    assert [size.frames for size in measure_videos(videos).values()] == pytest.approx([20, 20], abs=1)


def test_videos_that_are_not_opened_are_estimated_by_their_size(study, monkeypatch):
    monkeypatch.setattr("bkind3d.study.storage.MOST_HEADERS", 1)
    videos = [str(study.folder / study.find_videos("s1", camera)[0]) for camera in study.cameras["s1"]]
    (opened, pixels), (guessed, as_many) = measure_videos(videos).values()
    assert opened == pytest.approx(20, abs=1)
    assert guessed == pytest.approx(20, rel=0.3) and pixels == as_many > 0


def test_a_part_of_a_video_has_its_own_frames_alone(study):
    row = study.sessions["s1"]
    counted = [
        clip_frames(100, replace(row, start=start, stop=stop))
        for start, stop in ((None, None), (10, None), (10, 20), (10, 500), (200, None))
    ]
    assert counted == [100, 90, 10, 90, 0]


def test_a_file_that_is_no_video_counts_nothing(tmp_path):
    (tmp_path / "video.mp4").write_text("x")
    assert measure_videos([str(tmp_path / "video.mp4")]) == {str(tmp_path / "video.mp4"): (0, 0)}


def test_what_is_there_is_not_counted_again(study):
    assert "GB are free" in explain_storage(study)
    for session in study.sessions:
        for camera in study.cameras[session]:
            for table in (f"survey/{session}/{camera}", f"frames/small/{session}/{camera}"):
                path = study.folder / "results" / f"{table}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    assert explain_storage(study) is None


def test_a_disk_that_is_too_small_is_a_warning(study, monkeypatch):
    assert not explain_storage(study).startswith("warning")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 1000, 1000))
    assert explain_storage(study).startswith("warning: about")


def test_results_may_lie_on_another_disk(study, monkeypatch, tmp_path):
    (tmp_path / "scratch").mkdir()
    (study.folder / "results").symlink_to(tmp_path / "scratch")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 1000, 1000 if path == tmp_path / "scratch" else 10**12))
    assert explain_storage(study).startswith("warning: about")
