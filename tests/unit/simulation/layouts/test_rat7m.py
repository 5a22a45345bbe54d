"""The stand-in for Rat7M, read back with SciPy and MATLAB's arithmetic alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io

from bkind3d.cli import main
from bkind3d.config import InputError
from bkind3d.data.video import decode_frames, probe_video
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.simulation.layouts.rat7m import MARKERS, film_rat_session, make_rat7m_cameras, make_rig
from bkind3d.simulation.layouts.writing import choose_content, write_layout
from bkind3d.study.opening import read_yaml
from tests.unit.calibration.formats.rigs import make_points
from tests.unit.calibration.formats.test_matlab import see_in_matlab

FRAMES, CHUNK, SIZE = 14, 5, 128
#: The motion capture begins when the camera that is late has begun.
LATE = 2


@pytest.fixture(scope="module")
def content():
    return choose_content("rat7m", ["s2"], None, FRAMES, SIZE, CHUNK)


@pytest.fixture(scope="module")
def archive(drawing, content, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "rat7m"
    options = ["--subjects", "s2", "--frames", str(FRAMES), "--size", str(SIZE), "--chunk", str(CHUNK), "--workers", "1"]
    assert main(["simulate", "--layout", "rat7m", "--output", str(folder), *options]) == 0
    return folder


def test_it_is_imported_as_simulated_data(archive: Path, tmp_path: Path) -> None:
    assert main(["import-rat7m", str(archive), "-o", str(tmp_path / "study"), "--test", "s2"]) == 2
    for path in list(archive.iterdir()):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / path.name.replace("s2-d2", "s3-d1")).symlink_to(path)
    assert main(["import-rat7m", str(tmp_path / "copy"), "-o", str(tmp_path / "study"), "--test", "s3"]) == 0
    assert read_yaml(tmp_path / "study/config/config.yaml")["dataset"] == "simulated_rat7m"
    map_ = pd.read_parquet(tmp_path / "study/frame_maps/s2-d1/Camera6.parquet")
    assert map_["frame"].tolist() == [2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13]
    assert map_["video_frame"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]


def read_mat(path: Path):
    return scipy.io.loadmat(path, struct_as_record=False, squeeze_me=False)


def read_camera(path: Path, name: str) -> dict[str, np.ndarray]:
    """A camera's numbers by the names that MATLAB's arithmetic in the tests has for them."""
    camera = getattr(read_mat(path)["cameras"][0, 0], name)[0, 0]
    return {
        "K": camera.IntrinsicMatrix, "r": camera.rotationMatrix, "t": camera.translationVector,
        "RDistort": np.c_[camera.RadialDistortion, 0], "TDistort": camera.TangentialDistortion, "frame": camera.frame,
    }  # fmt: skip


def read_markers(path: Path) -> np.ndarray:
    mocap = read_mat(path)["mocap"][0, 0]
    return np.stack([getattr(mocap, name) for name in MARKERS], axis=1)


def test_files_have_the_names_and_lengths_of_the_data_set(archive: Path) -> None:
    assert (archive / "SIMULATED.txt").read_text().startswith("SIMULATED")
    for day in ("s2-d1", "s2-d2"):
        for number, total in enumerate((14, 14, 14, 12, 14, 13), start=1):
            files = {start: archive / f"{day}-camera{number}-{start}.mp4" for start in range(0, total, CHUNK)}
            assert {start: probe_video(path).n_frames for start, path in files.items()} == {0: 5, 5: 5, 10: total - 10}
    assert len(list(archive.iterdir())) == 1 + 2 * (1 + 6 * 3)


def test_the_mat_file_has_the_structures_of_the_data_set(archive: Path) -> None:
    content = read_mat(archive / "mocap-s2-d1.mat")
    assert content["cameras"][0, 0]._fieldnames == [f"Camera{number}" for number in (1, 2, 4, 5, 3, 6)]
    assert content["mocap"][0, 0]._fieldnames == list(MARKERS)
    assert (len(MARKERS), MARKERS[16:18]) == (20, ("KneeR", "KneeL"))
    markers = read_markers(archive / "mocap-s2-d1.mat")
    assert markers.shape == (FRAMES - LATE, 20, 3)
    assert 0.5 < np.isfinite(markers).mean() < 1
    lengths = np.nanmedian(np.linalg.norm(markers[:, MARKERS.index("SpineF")] - markers[:, MARKERS.index("SpineL")], axis=1))
    assert 50 < lengths < 150  # millimetres of a rat's back


def test_cameras_are_those_that_filmed_in_matlabs_conventions(archive: Path, content) -> None:
    points = make_points() / 4
    for name, camera in make_rat7m_cameras(make_rig(content, 2)).items():
        params = read_camera(archive / "mocap-s2-d1.mat", name)
        assert (params["t"].shape, params["frame"].shape) == ((1, 3), (1, FRAMES - LATE))
        assert np.abs(see_in_matlab(params, points) - 1 - project_through_lens(camera, points)).max() < 1e-9
        assert np.abs(camera.distortion[:4]).min() > 0


def test_frame_maps_tell_of_the_late_camera_and_of_the_dropped_frame(archive: Path) -> None:
    maps = {f"Camera{number}": read_camera(archive / "mocap-s2-d1.mat", f"Camera{number}")["frame"][0] for number in range(1, 7)}
    assert maps["Camera1"].tolist() == list(range(LATE, FRAMES))
    assert maps["Camera4"].tolist() == list(range(FRAMES - LATE))
    assert maps["Camera6"].tolist() == [2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("number", [1, 4, 6])
def test_markers_lie_on_the_rat_on_either_side_of_a_border_between_files(archive: Path, number: int) -> None:
    def decode(day: str) -> np.ndarray:
        files = [archive / f"{day}-camera{number}-{start}.mp4" for start in (0, 5, 10)]
        return np.stack([frame.picture for frame in decode_frames(files)]).astype(float)

    # On both days the same rig filmed the rat in different places: what differs is one of the two rats.
    pictures, others = decode("s2-d1"), decode("s2-d2")
    params, markers = read_camera(archive / "mocap-s2-d1.mat", f"Camera{number}"), read_markers(archive / "mocap-s2-d1.mat")
    shares = []
    for points, shown in zip(markers, params["frame"][0].astype(int), strict=True):
        differs = np.abs(pictures[shown] - others[0]).max(axis=2) > 12
        pixels = see_in_matlab(params, points[np.isfinite(points).all(axis=1)]) - 1
        columns, rows = pixels.round().astype(int).T
        near = np.max([differs[rows + dy, columns + dx] for dx in (-1, 0, 1) for dy in (-1, 0, 1)], axis=0)
        shares.append(near.mean())
        assert differs.mean() < 0.2
    assert min(shares) > 0.8
    assert np.mean(shares) > 0.9


def test_what_cannot_be_rendered_is_refused(tmp_path: Path, content) -> None:
    cases = {
        (("s9",), 20, 80, 5): "--subjects: there is no 's9'; there are s1, s2, s3, s4, s5",
        (None, 5, 80, 5): "--frames: 5 is too short",
        (None, 20, 65, 5): "--size: 65 cannot be filmed",
    }
    for given, message in cases.items():
        with pytest.raises(InputError, match=message):
            choose_content("rat7m", given[0], None, *given[1:])
    for option in (["--frames", "5"], ["--actions", "Walking"]):
        assert main(["simulate", "--layout", "rat7m", "-o", str(tmp_path / "archive"), *option]) == 2
    assert not list(tmp_path.iterdir())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        write_layout("rat7m", content, tmp_path)


@pytest.mark.slow
def test_the_same_session_is_filmed_again(archive: Path, content, tmp_path: Path) -> None:
    film_rat_session(content, "s2-d1", tmp_path)
    again, before = (read_markers(folder / "mocap-s2-d1.mat") for folder in (tmp_path, archive))
    np.testing.assert_array_equal(again, before)
    for start in (0, 5, 10):
        name = f"s2-d1-camera3-{start}.mp4"
        assert (tmp_path / name).read_bytes() == (archive / name).read_bytes()
