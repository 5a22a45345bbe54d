from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners, make_board
from bkind3d.calibration.corners import MIN_CORNERS, find_corners
from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.crops import Crop, Part, View
from bkind3d.data.video import cut_board, decode_frames, read_packets
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import BOARD, CONFIG, N_FRAMES, BoardScene, draw_board, make_camera, make_poses


def test_corners_are_found_where_they_are(corners: Corners, exact_corners: Corners) -> None:
    assert corners.cameras == ["left", "right", "back"]
    assert corners.sizes == [(320, 240)] * 3
    assert corners.frames.tolist() == list(range(N_FRAMES))
    assert corners.seen.sum() > 0.8 * 3 * N_FRAMES
    errors = np.linalg.norm(corners.points - exact_corners.points, axis=-1)
    assert np.nanmean(errors) < 0.15
    assert np.isfinite(corners.points[..., 0]).sum(axis=2)[corners.seen].min() >= MIN_CORNERS


def test_few_frames_are_spread_and_hold_the_floors(board_scene: BoardScene) -> None:
    config = CalibrationConfig(max_board_frames=10, floor_frame=7)
    frames = find_corners(board_scene.videos, BOARD, config).frames
    assert 7 in frames
    assert 10 <= len(frames) <= 11
    assert frames[0] == 0
    assert frames[-1] == N_FRAMES - 1


def test_the_layout_of_old_boards_is_recognised(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    pytest.importorskip("aniposelib")
    board = BoardConfig(squares_x=5, squares_y=4, square_length=60, marker_length=45)
    for legacy in (False, True):
        printed = np.pad(make_board(board, legacy).board.generateImage((250, 200)), 30, constant_values=255)
        picture = np.repeat(printed[..., None], 3, axis=2)
        videos = {name: write_video(tmp_path / f"{name}{legacy}.mp4", [picture] * 10) for name in ("a", "b")}
        found = find_corners(videos, board, CalibrationConfig())
        assert found.board.board.getLegacyPattern() == legacy
        assert np.isfinite(found.points[..., 0]).all()


def test_cameras_without_a_board_are_named(board_scene: BoardScene, tmp_path: Path, write_video: Callable[..., Path]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (N_FRAMES, 48, 64, 3), dtype=np.uint8)
    videos = {**board_scene.videos, "blind": write_video(tmp_path / "blind.mp4", noise)}
    with pytest.raises(InputError, match=r"blind\.mp4: the board is found in no frame by camera\(s\) blind;"):
        find_corners(videos, BOARD, CONFIG)


def test_videos_of_different_lengths_are_refused_with_numbers(
    board_scene: BoardScene, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    short = write_video(tmp_path / "short.mp4", np.zeros((10, 64, 64, 3), np.uint8))
    with pytest.raises(InputError, match="left 24, right 24, back 10"):
        find_corners({**board_scene.videos, "back": short}, BOARD, CONFIG)


def test_a_floor_frame_beyond_the_end_is_refused(board_scene: BoardScene) -> None:
    with pytest.raises(InputError, match="floor_frame is 24, but the board videos have 24 frames"):
        find_corners(board_scene.videos, BOARD, CalibrationConfig(floor_frame=24))


def test_a_board_with_more_rows_than_the_settings_say_is_refused(board_scene: BoardScene) -> None:
    rows = BOARD.squares_y - 1
    with pytest.raises(InputError, match=f"has more than {rows} rows of squares .* correct squares_y"):
        find_corners(board_scene.videos, BOARD.model_copy(update={"squares_y": rows}), CONFIG)


@pytest.mark.parametrize("rows", [4, 5])
def test_a_board_that_is_white_on_black_is_found(
    tmp_path: Path, write_video: Callable[..., Path], caplog: pytest.LogCaptureFixture, rows: int
) -> None:
    pytest.importorskip("aniposelib")
    board = BoardConfig(squares_x=5, squares_y=rows, square_length=60, marker_length=45)
    printed = np.pad(make_board(board).board.generateImage((250, 50 * rows)), 30, constant_values=255)
    found = {}
    for inverted in (False, True):
        picture = np.repeat((255 - printed if inverted else printed)[..., None], 3, axis=2)
        videos = {name: write_video(tmp_path / f"{name}{inverted}.mp4", [picture] * 10) for name in ("a", "b")}
        found[inverted] = find_corners(videos, board, CalibrationConfig()).points
        assert ("white on black" in caplog.text) == inverted
    assert np.abs(found[True] - found[False]).max() < 0.1


def test_pieces_of_a_board_video_are_one_video(
    board_scene: BoardScene, tmp_path: Path, write_video: Callable[..., Path], corners: Corners
) -> None:
    pictures = [frame.picture for frame in decode_frames(board_scene.videos["back"])]
    pieces = [write_video(tmp_path / f"{first}.mp4", pictures[first:stop]) for first, stop in ((0, 7), (7, N_FRAMES))]
    found = find_corners({**board_scene.videos, "back": pieces}, BOARD, CONFIG)
    assert found.frames.tolist() == corners.frames.tolist()
    back = corners.cameras.index("back")
    both = found.seen[back] & corners.seen[back]
    assert both.sum() > 5 and np.nanmax(np.linalg.norm(found.points[back, both] - corners.points[back, both], axis=-1)) < 1.5


def test_board_videos_that_are_not_in_step_are_paired_by_their_times(
    board_scene: BoardScene, tmp_path: Path, write_video: Callable[..., Path], corners: Corners
) -> None:
    pictures = [frame.picture for frame in decode_frames(board_scene.videos["back"])]
    kept = [number for number in range(N_FRAMES) if number not in (5, 6, 11)]
    videos = {**board_scene.videos, "back": write_video(tmp_path / "back.mp4", [pictures[number] for number in kept])}
    rate = read_packets(videos["left"]).rate
    maps = {}
    for camera in videos:
        maps[camera] = tmp_path / f"{camera}.csv"
        numbers = kept if camera == "back" else range(N_FRAMES)
        maps[camera].write_text("video_frame,time_s\n" + "".join(f"{index},{number / rate}\n" for index, number in enumerate(numbers)))
    found = find_corners(videos, BOARD, CONFIG, frame_maps=maps)
    back = corners.cameras.index("back")
    assert not found.seen[back, [5, 6, 11]].any()
    both = found.seen[back] & corners.seen[back]
    assert both.sum() > 5
    assert np.nanmax(np.linalg.norm(found.points[back, both] - corners.points[back, both], axis=-1)) < 1.5
    with pytest.raises(InputError, match="camera 'right' has no frame map, others have"):
        find_corners(videos, BOARD, CONFIG, frame_maps={camera: maps[camera] for camera in ("left", "back")})


def test_a_board_is_found_in_each_part_of_one_picture_and_in_a_mirror(
    board_scene: BoardScene, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    left, back = ([frame.picture for frame in decode_frames(board_scene.videos[name])][:8] for name in ("left", "back"))
    # "back" is seen in a mirror; in it, no marker can be read.
    rows = [np.pad(np.concatenate([one, other[:, ::-1]], axis=0), ((6, 0), (3, 1), (0, 0))) for one, other in zip(left, back, strict=True)]
    together, alone = write_video(tmp_path / "board.mp4", rows), write_video(tmp_path / "left.mp4", left)
    crops = {"left": Crop(3, 6, 320, 240), "back": Crop(3, 246, 320, 240, flip=True)}
    cut = find_corners({name: View((together,), crop) for name, crop in crops.items()}, BOARD, CONFIG)
    own = find_corners({name: board_scene.videos[name] for name in crops}, BOARD, CONFIG).select(np.arange(8))
    assert cut.sizes == own.sizes
    assert cut.parts["back"] == Part(crops["back"], (324, 486))
    both = np.isfinite(cut.points) & np.isfinite(own.points)
    assert both.sum() > 0.9 * np.isfinite(own.points).sum()
    assert np.abs(cut.points - own.points)[both].mean() < 0.15
    # A video that somebody cut before is no larger than the part.
    assert cut_board(View((alone,), crops["left"])) == View((alone,))
    assert cut_board(View((together,), crops["left"])) == View((together,), crops["left"])


def test_a_mirrored_print_on_the_boards_back_is_found_where_it_is(
    board_scene: BoardScene, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    below, poses = make_camera("below", [50.0, -500, -950], 320.0), make_poses()[:10]
    printed = make_board(BOARD, legacy=False).board.generateImage((1680, 1200))
    pictures = [np.repeat(draw_board(below, *pose, printed)[..., None], 3, axis=2) for pose in poses]
    left = [frame.picture for frame in decode_frames(board_scene.videos["left"])][:10]
    videos = {"left": write_video(tmp_path / "left.mp4", left), "below": write_video(tmp_path / "below.mp4", pictures)}
    found = find_corners(videos, BOARD, CONFIG)
    true = np.stack([project_through_lens(below, found.model @ rotation.T + translation) for rotation, translation in poses])
    # In the other frames it is seen at a slant, and from farther away than by the cameras above: OpenCV 4.12 finds it in one less than 4.13.
    assert found.seen[1][[0, 1, 2, 3, 4, 6]].all()
    assert np.nanmean(np.linalg.norm(found.points[1] - true, axis=-1)) < 0.15
