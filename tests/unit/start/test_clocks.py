"""Times of frames that lie beside the videos."""

import shutil
from pathlib import Path

import pytest

from benchmarks.first_contact import toml, write_videos
from bkind3d.cli import main
from bkind3d.study.opening import load_study


def write_recording(folder: Path, video: Path, times: str) -> None:
    folder.mkdir(parents=True)
    for camera in ("1", "2"):
        shutil.copy(video, folder / f"cam_{camera}.mp4")
    (folder / "timestamps.csv").write_text(times)


TIMES = "cam_id,frame_time\n" + "".join(f"{camera},{100 + frame / 30}\n" for frame in range(6) for camera in (1, 2))


def test_times_of_all_cameras_become_their_frame_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = write_videos(tmp_path)[6]
    write_recording(tmp_path / "rec/day1", video, TIMES)
    write_recording(tmp_path / "rec/day2", video, TIMES.replace("cam_id", "port").replace("2,", "7,"))
    toml("cam_1", "cam_2")(tmp_path / "rec/rig.toml")
    assert main(["init", str(tmp_path / "rec"), "--study", str(tmp_path / "study")]) == 0
    study, said = load_study(folder=tmp_path / "study"), capsys.readouterr().out
    maps = {name: [Path(path).name for path in study.find_frame_maps(name).values()] for name in study.sessions}
    assert maps == {"day1": ["timestamps.csv", "timestamps.csv"], "day2": []}
    assert "Frames of day1 are paired by their times in day1/timestamps.csv" in said
    assert "day2/timestamps.csv: times of frames, but camera 'cam_2' of the sheet is not in the calibration; it has cam_1, cam_7" in said
    write_recording(tmp_path / "more/day3", video, TIMES)
    assert main(["add-session", str(tmp_path / "study"), str(tmp_path / "more")]) == 0
    study = load_study(folder=tmp_path / "study")
    (path,) = set(study.find_frame_maps("day3").values())
    assert (tmp_path / "study" / path).resolve() == (tmp_path / "more/day3/timestamps.csv").resolve()
