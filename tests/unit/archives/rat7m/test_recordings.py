"""An archive in Rat7M's layout becomes a study; the arithmetic beside it is that of NumPy and SciPy alone."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io

from bkind3d.archives.importers import import_archive
from bkind3d.archives.rat7m.samples import read_samples
from bkind3d.cli import main
from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.frame_maps import choose_frames
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.study.opening import load_study, read_yaml
from bkind3d.survey.videos import survey_video
from tests.unit.archives.rat7m_files import CHUNK, MARKERS, N_FRAMES, SIZE, make_markers, make_rig, write_mat, write_session
from tests.unit.calibration.formats.rigs import make_points, see

WriteVideo = Callable[..., Path]
SESSIONS = ("s1-d1", "s2-d1", "s2-d2", "s5-d1")
ALL = {camera.name: np.arange(N_FRAMES) for camera in make_rig()}


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory, write_video: WriteVideo) -> Path:
    folder = tmp_path_factory.mktemp("rat7m")
    for seed, name in enumerate(SESSIONS):
        write_session(folder, name, write_video, seed)
    return folder


@pytest.fixture
def archive(filmed: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(filmed, tmp_path / "rat7m"))


def test_sessions_become_a_study(archive: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in archive.rglob("*")}
    import_archive("rat7m", archive, tmp_path / "study")
    settings = read_yaml(tmp_path / "study/config/config.yaml")
    assert settings == {"recordings": ".", "dataset": "rat7m"}
    study = load_study({**settings, "experiments": {"tiny": {"frames": "subject"}}}, tmp_path / "study")
    assert {name: (row.subject, row.split, row.start, row.stop) for name, row in study.sessions.items()} == {
        "s1-d1": ("s1", "train", 0, 21), "s2-d1": ("s2", "train", 0, 21), "s2-d2": ("s2", "train", 0, 21), "s5-d1": ("s5", "test", 0, 21),
    }  # fmt: skip
    names = [f"s1-d1-camera2-{start}.mp4" for start in range(0, N_FRAMES, CHUNK)]
    assert study.find_videos("s1-d1", "Camera2") == [str(archive / name) for name in names]
    assert study.list_pose_sessions("tiny") == list(SESSIONS)
    assert {path: path.stat().st_mtime_ns for path in archive.rglob("*")} == before
    assert {path.name for path in (tmp_path / "study").iterdir()} == {"config", "calibrations", "joints", "frame_maps"}


def test_markers_are_kept_with_their_gaps(archive: Path, tmp_path: Path) -> None:
    import_archive("rat7m", archive, tmp_path / "study")
    table = read_table(tmp_path / "study/joints/s2-d2.parquet", "joints")
    assert read_metadata(tmp_path / "study/joints/s2-d2.parquet")["units"] == "mm"
    assert table["joint"].tolist() == MARKERS * N_FRAMES
    assert table["frame"].tolist() == np.repeat(np.arange(N_FRAMES), 20).tolist()
    expected = make_markers(2)
    expected[np.isnan(expected).any(axis=2)] = np.nan
    np.testing.assert_allclose(table[["x", "y", "z"]].to_numpy().reshape(N_FRAMES, 20, 3), expected, atol=1e-4)


def test_cameras_are_found_by_name_in_opencvs_conventions(archive: Path, tmp_path: Path) -> None:
    import_archive("rat7m", archive, tmp_path / "study")
    cameras, metadata = read_calibration(tmp_path / "study/calibrations/s1-d1.toml")
    assert metadata["units"] == "mm"
    for known in make_rig():
        assert cameras[known.name].size == SIZE
        assert np.abs(project_through_lens(cameras[known.name], make_points()) - see(known, make_points())).max() < 1e-6


def test_markers_lie_on_what_moves_in_the_videos_across_the_borders_of_files(archive: Path, tmp_path: Path) -> None:
    shown = np.arange(N_FRAMES)
    # The third camera dropped frames 7 and 8 on either side of a border, so the motion capture is mapped to what follows.
    maps = {"Camera1": shown, "Camera2": shown, "Camera3": np.where(shown < 7, shown, np.maximum(shown, 9))}
    write_mat(archive / "mocap-s1-d1.mat", make_markers(0), maps)
    import_archive("rat7m", archive, tmp_path / "study", sessions=["s1-d1", "s5-d1"])
    settings = {**read_yaml(tmp_path / "study/config/config.yaml"), "experiments": {"tiny": {"frames": "subject"}}}
    study = load_study(settings, tmp_path / "study")
    joints = read_table(tmp_path / "study/joints/s1-d1.parquet", "joints")
    centres = joints.groupby("frame")[["x", "y", "z"]].mean().to_numpy()
    config = SurveyConfig(long_side=96, background_frames=21, min_area=0.001, close_px=1)
    for known in make_rig():
        row, output = study.cameras["s1-d1"][known.name], tmp_path / f"{known.name}.parquet"
        survey_video(study.find_videos("s1-d1", known.name), config, output, tmp_path / "study" / row.frame_map, 0, 21)
        survey = read_table(output, "survey")
        late = known.name == "Camera3"
        assert survey["video_frame"].tolist() == ([*range(7), 9, -1, -1, *range(10, N_FRAMES)] if late else list(range(N_FRAMES)))
        seen = (survey["video_frame"] == survey["frame"]).to_numpy()
        assert seen.sum() == (18 if late else N_FRAMES)
        distance = np.linalg.norm(survey[["centroid_x", "centroid_y"]].to_numpy() - see(known, centres), axis=1)
        assert distance[seen].max() < 1


def test_motion_capture_that_is_faster_than_the_cameras_is_thinned_out(archive: Path, tmp_path: Path) -> None:
    markers = make_markers(0, 60)
    # Ten samples per frame from frame 3 on, of which the first camera has frames 3 to 8, and the second one misses frame 5.
    frames = 3 + np.arange(60) // 10
    maps = {"Camera1": frames.astype(float), "Camera2": np.where(frames == 5, 4, frames), "Camera3": np.where(frames == 3, np.nan, frames)}
    samples = read_samples(write_mat(archive / "mocap-s1-d1.mat", markers, maps))
    assert samples.rows.tolist() == [0, 10, 20, 30, 40, 50]
    assert samples.frames.tolist() == [3, 4, 5, 6, 7, 8]
    assert samples.shown["Camera2"].tolist() == [3, 4, -1, 6, 7, 8]
    assert samples.shown["Camera3"].tolist() == [-1, 4, 5, 6, 7, 8]
    np.testing.assert_array_equal(samples.markers[:, 0], markers[::10, 0])
    import_archive("rat7m", archive, tmp_path / "study", sessions=["s1-d1", "s5-d1"])
    path = tmp_path / "study/frame_maps/s1-d1/Camera2.parquet"
    assert pd.read_parquet(path)["sample"].tolist() == [0, 10, 30, 40, 50]
    assert choose_frames(N_FRAMES, path, 3, 9).tolist() == [[3, 3], [4, 4], [5, -1], [6, 6], [7, 7], [8, 8]]


def test_rats_are_shared_out_as_the_user_says(archive: Path, tmp_path: Path) -> None:
    assert main(["import-rat7m", str(archive), "--output", str(tmp_path / "study"), "--test", "s1", "s2"]) == 0
    text = (tmp_path / "study/config/sessions.tsv").read_text()
    assert [line.split("\t")[3] for line in text.splitlines()] == ["split", "test", "test", "test", "train"]


def test_a_rendered_archive_says_so_in_the_name_of_the_data(archive: Path, tmp_path: Path) -> None:
    (archive / "SIMULATED.txt").write_text("rendered")
    import_archive("rat7m", archive, tmp_path / "study", sessions=["s1-d1", "s5-d1"])
    assert read_yaml(tmp_path / "study/config/config.yaml")["dataset"] == "simulated_rat7m"


def remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [path.unlink() for name in names for path in folder.glob(name)]


def copy(source: str, target: str) -> Callable[[Path], object]:
    return lambda folder: shutil.copy(folder / source, folder / target)


def write_maps(**maps: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: write_mat(folder / "mocap-s1-d1.mat", make_markers(0), {**ALL, **maps})


def move_markers(folder: Path) -> None:
    write_mat(folder / "mocap-s1-d1.mat", make_markers(0) + [5000, 0, 0], ALL)


def cut_off(folder: Path) -> None:
    path = folder / "mocap-s2-d1.mat"
    path.write_bytes(path.read_bytes()[:900])


def drop(variable: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "mocap-s1-d1.mat"
        content = scipy.io.loadmat(path)
        scipy.io.savemat(path, {name: content[name] for name in ("cameras", "mocap") if name != variable})

    return change


def shorten(folder: Path) -> None:
    markers = make_markers(0)
    frames = {name: values[:-1] for name, values in ALL.items()}
    write_mat(folder / "mocap-s1-d1.mat", markers, frames)


def swap(folder: Path) -> None:
    first, second, between = (folder / name for name in ("mocap-s1-d1.mat", "mocap-s5-d1.mat", "other"))
    first.rename(between)
    second.rename(first)
    between.rename(second)


BACKWARDS = np.array([0, 1, 5, 3, *range(4, N_FRAMES)])
BAD = {
    "no .mat at all": (remove("*.mat"), r"rat7m: has no file mocap-s\*-d\*\.mat"),
    "no .mat of a session": (remove("mocap-s2-d1.mat"), r"has no mocap-s2-d1\.mat; download it, or name the sessions .*: s1-d1 s2-d2 s5-d1"),
    "no video of a session": (remove("s2-d1-*.mp4"), r"has no video s2-d1-camera1-0\.mp4; download it, .*: s1-d1 s2-d2 s5-d1"),
    "no video of a camera": (remove("s2-d1-camera3-*.mp4"), r"mocap-s2-d1\.mat: has Camera3, of which there is no video s2-d1-camera3-0"),
    "a missing file in between": (remove("s2-d1-camera3-8.mp4"), r"s2-d1-camera3-8\.mp4: is missing, though s2-d1-camera3-16\.mp4 is there"),
    "a missing first file": (remove("s1-d1-camera1-0.mp4"), r"s1-d1-camera1-0\.mp4: is missing, though s1-d1-camera1-8\.mp4 is there"),
    "a missing last file": (remove("s1-d1-camera1-16.mp4"), r"Camera1 has frames up to 20, its video has 16 .*from s1-d1-camera1-16\.mp4 on"),
    "a file that is too short": (copy("s1-d1-camera1-16.mp4", "s1-d1-camera1-8.mp4"), r"camera1-8\.mp4: ends with frame 12, but s1-d1-camera1-16"),
    "a frame map beyond the video": (write_maps(Camera2=np.arange(N_FRAMES) + 1), r"mocap-s1-d1\.mat: Camera2 has frames up to 21, its video has 21"),
    "a frame map that goes back": (write_maps(Camera2=BACKWARDS), r"mocap-s1-d1\.mat: Camera2: field 'frame' goes back at sample 3, to 3"),
    "frames that are no whole numbers": (write_maps(Camera2=np.arange(N_FRAMES) / 2), r"Camera2: field 'frame' has numbers that are no whole"),
    "motion capture of another session": (copy("mocap-s1-d1.mat", "mocap-s5-d1.mat"), r"mocap-s5-d1\.mat: has the same motion capture as .*s1-d1"),
    "motion capture of two sessions exchanged": (swap, r"mocap-s1-d1\.mat: its markers are not where the rat is in the videos .* of another session"),
    "markers that no camera sees": (move_markers, r"mocap-s1-d1\.mat: 0 % of the markers are in the pictures of Camera1 \(96x72\)"),
    "motion capture of another length": (shorten, r"mocap-s1-d1\.mat: has 21 samples of HeadF and 20 of Camera1"),
    "a .mat that is cut off": (cut_off, r"mocap-s2-d1\.mat: "),
    "a .mat without motion capture": (drop("mocap"), r"mocap-s1-d1\.mat: has no structure 'mocap' with one field per marker"),
    "a .mat without cameras": (drop("cameras"), r"mocap-s1-d1\.mat: has no structure 'cameras' with one field per camera"),
    "the rats to judge on are not there": (remove("*s5-d1*"), r"rat 's5', which is to be judged on, is not there; choose among s1, s2 with --test"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_left(
    archive: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    spoil, message = BAD[case]
    spoil(archive)
    assert main(["import-rat7m", str(archive), "--output", str(tmp_path / "study")]) == 2
    (line,) = [line for line in capfd.readouterr().err.splitlines() if "error: " in line]
    assert re.search(message, line)
    assert os.listdir(tmp_path) == ["rat7m"]


def test_a_study_is_never_overwritten(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already and is never overwritten"):
        import_archive("rat7m", archive, tmp_path / "study")
    with pytest.raises(InputError, match="all rats .* are to be judged on"):
        import_archive("rat7m", archive, tmp_path / "other", test=["s1", "s2", "s5"])
    with pytest.raises(InputError, match=r"has no mocap-s9-d9\.mat"):
        import_archive("rat7m", archive, tmp_path / "other", sessions=["s9-d9"])
