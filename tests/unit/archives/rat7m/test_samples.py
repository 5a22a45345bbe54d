"""Whether the parts of a session belong together, on a disc whose markers are known."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bkind3d.archives.rat7m.samples import Samples, check_maps, check_markers, check_pictures
from bkind3d.config import InputError
from bkind3d.geometry.cameras import Camera
from tests.unit.archives.rat7m_files import CHUNK, MARKERS, N_FRAMES, draw, make_markers, make_rig, write_session

STARTS = range(0, N_FRAMES, CHUNK)
CAMERAS = {
    known.name: Camera(known.name, known.size, known.matrix, np.array([*known.k[:2], *known.p, 0.0]), known.rotation, known.translation)
    for known in make_rig()
}


def make_samples(seed: int) -> Samples:
    numbers = np.arange(N_FRAMES)
    return Samples(numbers, numbers, dict.fromkeys(CAMERAS, numbers), MARKERS, make_markers(seed))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> dict[str, dict[int, Path]]:
    folder = tmp_path_factory.mktemp("videos")
    write_session(folder, "s1-d1", write_video, 0)
    return {name: {start: folder / f"s1-d1-camera{name[-1]}-{start}.mp4" for start in STARTS} for name in CAMERAS}


def test_markers_are_on_what_moves(videos, caplog) -> None:
    caplog.set_level(logging.INFO)
    check_pictures(Path("a.mat"), make_samples(0), CAMERAS, videos)
    (share,) = re.findall(r"a\.mat: (\d+) % of what moves in the pictures is near the markers", caplog.text)
    assert int(share) > 80
    # A camera that lacks some frames is compared in the others.
    shown = {**make_samples(0).shown, "Camera2": np.where(np.arange(N_FRAMES) == CHUNK, -1, np.arange(N_FRAMES))}
    check_pictures(Path("a.mat"), replace(make_samples(0), shown=shown), CAMERAS, videos)


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_markers_of_another_session_are_refused(videos, seed: int) -> None:
    with pytest.raises(InputError, match=r"^a\.mat: its markers are not where the rat is in the videos"):
        check_pictures(Path("a.mat"), make_samples(seed), CAMERAS, videos)


def test_where_nothing_moves_nothing_can_be_told(videos, caplog) -> None:
    caplog.set_level(logging.INFO)
    still = {name: {start: files[0] for start in STARTS} for name, files in videos.items()}
    check_pictures(Path("a.mat"), make_samples(3), CAMERAS, still)
    assert "next to nothing moves" in caplog.text


def test_a_video_of_one_file_is_looked_at_throughout(tmp_path: Path, write_video, monkeypatch) -> None:
    monkeypatch.setattr("bkind3d.archives.rat7m.samples._STEP", 8)
    markers = make_markers(0)
    files = {
        known.name: {0: write_video(tmp_path / f"{known.name}.mp4", [draw(known, points) for points in markers])} for known in make_rig()
    }
    check_pictures(Path("a.mat"), make_samples(0), CAMERAS, files)
    with pytest.raises(InputError, match="its markers are not where the rat is"):
        check_pictures(Path("a.mat"), make_samples(3), CAMERAS, files)


def test_maps_that_end_early_are_remarked(caplog) -> None:
    check_maps(Path("mocap-s1-d1.mat"), make_samples(0), dict.fromkeys(CAMERAS, 2 * N_FRAMES))
    assert "has frames up to 20, its video 42; is it of this session?" in caplog.text
    with pytest.raises(InputError, match=r"missing from s1-d1-camera1-20\.mp4 on, or the \.mat is of another session"):
        check_maps(Path("mocap-s1-d1.mat"), make_samples(0), dict.fromkeys(CAMERAS, 20))


def test_unknown_markers_are_no_reason_to_refuse(videos) -> None:
    nothing = replace(make_samples(0), markers=np.full((N_FRAMES, 20, 3), np.nan))
    check_markers(Path("a.mat"), nothing, CAMERAS)
    check_pictures(Path("a.mat"), nothing, CAMERAS, videos)
