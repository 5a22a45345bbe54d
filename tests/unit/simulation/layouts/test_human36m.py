"""A tiny stand-in for Human3.6M: written, read back by other readers, imported, and looked at."""

from pathlib import Path

import av
import cdflib
import cv2
import numpy as np
import pytest

from bkind3d.archives.human36m import JOINTS, read_takes
from bkind3d.archives.importers import import_archive
from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.cli import main
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_table
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.simulation.layouts.human36m import ACTIONS, CAMERAS, SUBJECTS, make_human36m_cameras, write_human36m_metadata
from bkind3d.study.opening import read_yaml
from bkind3d.study.sheets import read_sessions

FRAMES, SIZE = 5, 160


@pytest.fixture(scope="module")
def archive(tmp_path_factory, drawing) -> Path:
    folder = tmp_path_factory.mktemp("data") / "archive"
    options = ["--subjects", "S1", "S9", "--actions", "Walking", "Sitting", "--frames", str(FRAMES), "--size", str(SIZE), "--workers", "1"]
    assert main(["simulate", "--layout", "h36m", "-o", str(folder), *options]) == 0
    return folder


@pytest.fixture(scope="module")
def study(archive: Path) -> Path:
    import_archive("h36m", archive, archive.with_name("study"))
    return archive.with_name("study")


def read_video(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 50
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(float)


def test_the_files_are_those_of_the_data_set(archive: Path) -> None:
    names = {"Walking 1", "Walking", "Sitting 1", "Sitting"}
    assert "SIMULATED" in (archive / "SIMULATED.txt").read_text()
    for subject in ("S1", "S9"):
        assert {path.stem for path in (archive / subject / "MyPoseFeatures/D3_Positions").iterdir()} == names
        videos = {path.name for path in (archive / subject / "Videos").iterdir()}
        assert videos == {f"{name}.{camera}.mp4" for name in names for camera in CAMERAS}
    poses = cdflib.CDF(archive / "S9/MyPoseFeatures/D3_Positions/Walking 1.cdf").varget("Pose")
    assert (poses.shape, poses.dtype) == ((1, FRAMES, 96), np.float32)
    assert read_video(archive / "S9/Videos/Walking 1.58860488.mp4").shape == (FRAMES, SIZE, SIZE, 3)


def test_what_is_imported_is_what_another_reader_finds(archive: Path, study: Path) -> None:
    poses = cdflib.CDF(archive / "S9/MyPoseFeatures/D3_Positions/Walking 1.cdf").varget("Pose").reshape(FRAMES, 32, 3)
    table = read_table(study / "joints/S9_Walking-1.parquet", "joints")
    assert np.array_equal(table[["x", "y", "z"]].to_numpy().reshape(FRAMES, 17, 3), poses[:, [*JOINTS]])
    positions = table[table.frame == 0].set_index("joint")
    for joint, (lowest, highest) in {"Head": (1400, 2000), "Pelvis": (700, 1000), "LAnkle": (20, 250)}.items():
        assert lowest < positions.z[joint] < highest
    assert read_yaml(study / "config/config.yaml")["dataset"] == "simulated_human36m"
    sessions = read_sessions(study / "config/sessions.tsv")
    assert {(row.subject, row.more["action"], row.split) for row in sessions.values()} == {
        (subject, action, split) for subject, split in (("S1", "train"), ("S9", "test")) for action in ("Walking", "Sitting")
    }


def find_moved(archive: Path, subject: str, camera: str) -> dict[str, np.ndarray]:
    """(frame, height, width) where each take's pictures differ from the median over all takes: the person, the stool and shadows."""
    videos = {path.name.split(".")[0]: read_video(path) for path in (archive / subject / "Videos").glob(f"*.{camera}.mp4")}
    background = np.median(np.concatenate([*videos.values()]), axis=0)
    return {name: np.abs(video - background).max(axis=3) > 14 for name, video in videos.items()}


def count_hits(mask: np.ndarray, pixels: np.ndarray) -> float:
    columns, rows = np.clip(np.round(pixels), 0, SIZE - 1).astype(int).T
    return float(np.mean(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3)))[rows, columns]))


def test_imported_joints_and_cameras_meet_the_person_in_the_pictures(archive: Path, study: Path) -> None:
    hits, misses = [], []
    for subject in ("S1", "S9"):
        cameras, _ = read_calibration(study / f"calibrations/{subject}.toml")
        for name, camera in cameras.items():
            masks = find_moved(archive, subject, name)
            for take in (1, 2):
                table = read_table(study / f"joints/{subject}_Walking-{take}.parquet", "joints")
                for frame in (0, FRAMES - 1):
                    points = table[table.frame == frame][["x", "y", "z"]].to_numpy()
                    mask = masks["Walking 1" if take == 1 else "Walking"][frame]
                    hits.append(count_hits(mask, project_through_lens(camera.resized((SIZE, SIZE)), points)))
                    misses.append(count_hits(mask, project_through_lens(camera.resized((SIZE, SIZE)), points + [700, -700, 0])))
    assert np.mean(hits) > 0.97
    assert np.mean(misses) < 0.35


@pytest.mark.parametrize("subject", SUBJECTS)
def test_metadata_is_read_as_it_was_meant(tmp_path: Path, subject: str) -> None:
    write_human36m_metadata(tmp_path / "metadata.xml")
    cameras, _ = read_given_cameras(tmp_path / "metadata.xml", subject=subject)
    points = np.random.default_rng(1).uniform([-1500, -1500, 0], [1500, 1500, 1800], (50, 3))
    for name, camera in make_human36m_cameras(subject).items():
        assert cameras[name].size == camera.size
        assert np.allclose(project_through_lens(cameras[name], points), project_through_lens(camera, points), atol=1e-6)
        # The person is seen wherever it goes.
        pixels = project_through_lens(camera, points)
        assert ((pixels > 0) & (pixels < 1000)).all()
    takes = read_takes(tmp_path / "metadata.xml")[subject]
    assert [(take.action, take.number) for take in takes] == [(action, number) for action in ACTIONS for number in "12"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--subjects", "S2"], "--subjects: there is no 'S2'; there are S1, S5"),
        (["--actions", "Walk"], "--actions: there is no 'Walk'; there are Directions"),
        (["--frames", "1"], "--frames: 1 is too short"),
        (["--size", "99"], "--size: 99 cannot be filmed"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_one_line(tmp_path: Path, capsys, options: list[str], message: str) -> None:
    assert main(["simulate", "--layout", "h36m", "-o", str(tmp_path / "archive"), *options]) == 2
    refusal = capsys.readouterr().err
    assert message in refusal
    assert refusal.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["simulate", "--layout", "h36m", "-o", str(tmp_path)]) == 2
    assert "is never overwritten" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
