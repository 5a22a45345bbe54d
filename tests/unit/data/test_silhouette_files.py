"""Silhouettes that other programs found: every form gives the same masks, and masks of another video are refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.silhouette_files import decode_run_lengths, read_silhouettes

SIZE, N_FRAMES = (48, 32), 6


def draw_masks() -> np.ndarray:
    masks = np.zeros((N_FRAMES, SIZE[1], SIZE[0]), np.uint8)
    for frame, mask in enumerate(masks):
        mask[8:20, 4 + 4 * frame : 20 + 4 * frame] = 255
    return masks


def encode_runs(mask: np.ndarray) -> list[int]:
    values = (mask.T.ravel() > 0).astype(int)
    changes = np.flatnonzero(np.diff(values)) + 1
    runs = np.diff([0, *changes, len(values)]).tolist()
    return runs if values[0] == 0 else [0, *runs]


def pack(runs: list[int]) -> str:
    """COCO's text of run lengths, as its own program writes it."""
    text = ""
    for place, run in enumerate(runs):
        number = run - runs[place - 2] if place > 2 else run
        while True:
            code, number = number & 31, number >> 5
            more = number != (-1 if code & 16 else 0)
            text += chr(code + 32 * more + 48)
            if not more:
                break
    return text


def write_coco(path: Path, masks: np.ndarray, packed: bool) -> Path:
    size = [SIZE[1], SIZE[0]]
    images = [{"id": 7 + frame, "file_name": f"{frame:05d}.png", "height": SIZE[1], "width": SIZE[0]} for frame in range(len(masks))]
    runs = [encode_runs(mask) for mask in masks]
    annotations = [
        {"image_id": 7 + frame, "segmentation": {"size": size, "counts": pack(one) if packed else one}} for frame, one in enumerate(runs)
    ]
    path.write_text(json.dumps({"images": images[::-1], "annotations": annotations}))
    return path


def write_folder(path: Path, masks: np.ndarray, first: int = 0) -> Path:
    path.mkdir()
    for frame, mask in enumerate(masks):
        cv2.imwrite(str(path / f"mask_{frame + first:05d}.png"), mask)
    return path


def write_list(path: Path, masks: np.ndarray) -> Path:
    path.write_text(json.dumps([{"size": [SIZE[1], SIZE[0]], "counts": encode_runs(mask)} for mask in masks]))
    return path


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


FORMS: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "folder": lambda path, masks: write_folder(path / "masks", masks),
    "folder from 1, of 0 and 1": lambda path, masks: write_folder(path / "masks", masks // 255, first=1),
    "COCO": lambda path, masks: write_coco(path / "a.json", masks, packed=False),
    "COCO, packed": lambda path, masks: write_coco(path / "a.json", masks, packed=True),
    "list of run lengths": lambda path, masks: write_list(path / "a.json", masks),
    "npz": lambda path, masks: save(path / "a.npz", other=np.zeros(3), masks=masks > 0),
    "npy": lambda path, masks: (np.save(path / "a.npy", masks // 255), path / "a.npy")[1],
}


def read(path: Path, wanted: list[int], n_frames: int = N_FRAMES, video_size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    return list(read_silhouettes(path, wanted, n_frames, video_size, SIZE))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_masks(tmp_path: Path, form: str) -> None:
    masks = draw_masks()
    found = read(FORMS[form](tmp_path, masks), [1, 2, 5])
    assert np.array_equal(found, masks[[1, 2, 5]])


def test_a_video_of_masks_is_read(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    masks = draw_masks()
    video = write_video(tmp_path / "masks.mp4", [np.repeat(mask[..., None], 3, axis=2) for mask in masks])
    found = read(video, [0, 3])
    assert [(one == other).mean() > 0.97 for one, other in zip(found, masks[[0, 3]], strict=True)] == [True, True]
    refuse(video, "holds masks of 6 frames, the video has 7", n_frames=7)
    refuse(video, "masks of 48x32, the video's pictures are 48x48", video_size=(48, 48))


def test_masks_of_another_size_are_resized(tmp_path: Path) -> None:
    large = np.stack([cv2.resize(mask, (96, 64), interpolation=cv2.INTER_NEAREST) for mask in draw_masks()])
    assert np.array_equal(read(save(tmp_path / "a.npz", masks=large), [0, 4]), draw_masks()[[0, 4]])


def refuse(path: Path, message: str, n_frames: int = N_FRAMES, video_size: tuple[int, int] = SIZE) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read(path, [0], n_frames, video_size)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", FORMS)
def test_masks_of_other_frames_or_shapes_are_refused_before_anything_is_read(tmp_path: Path, form: str) -> None:
    path = FORMS[form](tmp_path, draw_masks())
    refuse(path, "holds masks of 6 frames, the video has 8", n_frames=8)
    refuse(path, "holds masks of 48x32, the video's pictures are 32x32", video_size=(32, 32))


def test_a_folder_with_gaps_or_without_masks_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "masks", draw_masks())
    (folder / "mask_00003.png").unlink()
    refuse(folder, "has a gap: no mask with the number 3, but 0 to 5")
    refuse(write_folder(tmp_path / "late", draw_masks(), first=100), "its masks are counted from 100")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "holds no pictures whose names end with a number")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{}", "holds no run lengths of COCO (KeyError: 'images')"),
        ("a.json", b"[1, 2, 3, 4, 5, 6]", "holds no run lengths of COCO"),
        ("a.npz", b"PK nothing", "cannot be read as an array of numbers"),
        ("a.npy", b"\x93NUMPY", "cannot be read as an array of numbers"),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    refuse(tmp_path / name, message)


def test_arrays_of_other_things_and_short_runs_are_refused(tmp_path: Path) -> None:
    refuse(save(tmp_path / "a.npz", masks=np.zeros((6, 4))), "holds an array of shape (6, 4)")
    refuse(save(tmp_path / "b.npz", masks=np.zeros((6, 32, 48))), "type float64")
    with pytest.raises(ValueError, match="they fill 5 of 6 pixels"):
        decode_run_lengths([2, 3], [2, 3])
