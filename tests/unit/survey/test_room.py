from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.crops import Crop, Part, View
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.survey.room import RoomFiles, model_room, read_background, read_region, remark_move, sample_rooms
from bkind3d.survey.silhouettes import decode_mask
from bkind3d.survey.videos import survey_video

FLOOR = np.random.default_rng(3).normal(120, 60, (12, 16, 3)).clip(40, 220).astype(np.uint8)
ROOM = cv2.resize(FLOOR, (160, 120), interpolation=cv2.INTER_CUBIC)


def film(lefts: list[int], room: np.ndarray = ROOM, seed: int = 0) -> np.ndarray:
    """A dark animal of 20 x 24 pixels in a room of patches, its left edge at the given columns."""
    generator = np.random.default_rng(seed)
    frames = []
    for left in lefts:
        frame = room.astype(float)
        frame[50:70, left : left + 24] = (12, 10, 8)
        frames.append(np.clip(frame + generator.normal(0, 1.5, frame.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


RESTING, WALKING = film(30 * [60]), [film(list(range(first, first + 90, 3)), seed=first) for first in (5, 20)]


def test_a_take_at_rest_has_the_background_of_the_rigs_other_takes() -> None:
    alone, _ = model_room(RESTING, [], SurveyConfig())
    assert np.abs(alone.picture[50:70, 60:84].astype(int) - ROOM[50:70, 60:84]).mean() > 40, "nothing but other takes shows what is behind"
    room, remarks = model_room(RESTING, WALKING, SurveyConfig())
    assert np.abs(room.picture.astype(int) - ROOM).mean() < 2
    assert not remarks


def test_takes_of_a_camera_that_was_moved_or_of_another_room_say_nothing() -> None:
    own = film(list(range(5, 95, 3)))
    for other in (np.roll(ROOM, 3, axis=1), 255 - ROOM):
        room, remarks = model_room(own, [film(30 * [60], other)], SurveyConfig())
        assert np.abs(room.picture.astype(int) - ROOM).mean() < 2
        assert len(remarks) == 1 and "than the other sessions of its rig that were looked at (1)" in remarks[0]


@pytest.mark.parametrize(("pushed", "told"), [((2.0, -1.0), True), ((0.4, 0.3), False)])
def test_a_camera_that_is_pushed_within_a_session_is_told_with_the_frames(pushed: tuple[float, float], told: bool) -> None:
    moved = cv2.warpAffine(ROOM, np.array([[1, 0, pushed[0]], [0, 1, pushed[1]]], np.float32), (160, 120), borderMode=cv2.BORDER_REFLECT)
    walk = list(range(5, 95, 2))
    frames = np.concatenate([film(walk[:30]), film(walk[30:], moved, seed=1)])
    remarks = remark_move(frames, np.arange(100, 100 + 3 * len(walk), 3), ROOM)
    assert len(remarks) == told
    if told:
        assert remarks[0].startswith("was moved between frames 187 and 190 of its video, by 2.")


def test_neither_a_subject_nor_the_light_nor_a_hand_moves_a_camera() -> None:
    frames = film(list(range(5, 95, 2)))
    frames[20:] = frames[20:] * 0.8
    frames[30:33] = 90  # something before the lens
    assert not remark_move(frames, np.arange(len(frames)), ROOM)
    assert not remark_move(frames[:3], np.arange(3), ROOM)


def test_other_light_is_no_other_room() -> None:
    darker = [cv2.convertScaleAbs(frame, alpha=0.8) for frame in WALKING[0]]
    room, remarks = model_room(RESTING, [np.stack(darker), WALKING[1]], SurveyConfig())
    assert np.abs(room.picture[50:70, 60:84].astype(int) - ROOM[50:70, 60:84]).mean() < 12
    assert not remarks


def test_what_stands_in_one_session_alone_is_background_there_if_something_else_moves() -> None:
    furnished = ROOM.copy()
    furnished[10:34, 110:140] = (250, 30, 30)
    room, _ = model_room(film(list(range(5, 95, 3)), furnished), WALKING, SurveyConfig())
    assert np.abs(room.picture.astype(int) - furnished).mean() < 2


def test_a_given_picture_of_the_empty_room_is_the_background_unless_it_shows_another() -> None:
    room, remarks = model_room(RESTING, [], SurveyConfig(), ROOM[None])
    assert np.array_equal(room.picture, ROOM)
    assert not remarks
    _, remarks = model_room(RESTING, [], SurveyConfig(), np.roll(ROOM, 3, axis=1)[None])
    assert len(remarks) == 1 and "shows another picture of the room than its file 'background'" in remarks[0]


def test_a_survey_reads_the_room_from_other_videos_and_from_files(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    own = write_video(tmp_path / "own.mp4", list(RESTING))
    beside = [write_video(tmp_path / f"{number}.mp4", list(frames)) for number, frames in enumerate(WALKING)]
    cv2.imwrite(str(tmp_path / "empty.png"), ROOM[..., ::-1])
    for room in (RoomFiles(beside=beside), RoomFiles(background=tmp_path / "empty.png")):
        survey_video(own, SurveyConfig(), tmp_path / "s.parquet", room=room)
        mask = decode_mask(read_table(tmp_path / "s.parquet", "survey")["mask"][7]) > 0
        true = np.zeros(mask.shape, dtype=bool)
        true[50:70, 60:84] = True
        assert (mask & true).sum() / (mask | true).sum() > 0.85
        assert read_metadata(tmp_path / "s.parquet")["remarks"] == []


def test_files_that_do_not_fit_are_refused_and_videos_beside_passed_over(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    cv2.imwrite(str(tmp_path / "wide.png"), ROOM[:60])
    small = write_video(tmp_path / "small.mp4", [frame[:60] for frame in RESTING[:5]])
    (tmp_path / "note.png").write_text("no picture")
    for name, message in (
        ("wide.png", "is 160x60, the video 160x120"),
        ("small.mp4", "is 160x60, the video 160x120"),
        ("note.png", "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            read_background(tmp_path / name, (160, 120), (160, 120))
    assert sample_rooms([small, tmp_path / "missing.mp4"], (160, 120), (160, 120)) == []


def draw(path: Path, size: tuple[int, int] = (160, 120), white: slice = np.s_[:80]) -> Path:
    picture = np.zeros(size[::-1], np.uint8)
    picture[:, white] = 255
    cv2.imwrite(str(path), picture)
    return path


def test_a_drawing_of_another_size_is_resized(tmp_path: Path) -> None:
    region = read_region(draw(tmp_path / "mask.png"), (640, 480), (80, 60))
    assert region.shape == (60, 80)
    assert region[:, :40].all()
    assert not region[:, 40:].any()


def test_a_drawing_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mask.png: is 160x120, the video 480x640; draw"):
        read_region(draw(tmp_path / "mask.png"), (480, 640), (60, 80))


def test_a_black_drawing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="black everywhere"):
        read_region(draw(tmp_path / "mask.png", white=np.s_[:0]), (640, 480), (80, 60))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_region(tmp_path / "mask.png", (640, 480), (80, 60))


def test_a_mask_of_the_whole_picture_is_cut_as_the_video_is_and_one_of_another_size_refused(scene, tmp_path) -> None:
    part = Part(Crop(20, 10, 100, 50), (192, 144))
    drawn = np.zeros((144, 192), np.uint8)
    drawn[10:60, 20:70] = 255
    for name, picture in (("whole", drawn), ("own", drawn[10:60, 20:120]), ("other", drawn[:100, :100])):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    regions = [read_region(tmp_path / f"{name}.png", (100, 50), (100, 50), part) for name in ("whole", "own")]
    assert regions[0].mean() == 0.5
    assert np.array_equal(*regions)
    with pytest.raises(InputError, match="other.png: is 100x100, the video 100x50, cut out of 192x144"):
        read_region(tmp_path / "other.png", (100, 50), (100, 50), part)
    view = View((scene.videos["cam1"],), part.crop)
    with pytest.raises(InputError, match="other.png: is 100x100, the video 100x50"):
        survey_video(view, SurveyConfig(), tmp_path / "survey.parquet", room=RoomFiles(mask=tmp_path / "other.png"))
    assert not (tmp_path / "survey.parquet").exists()
