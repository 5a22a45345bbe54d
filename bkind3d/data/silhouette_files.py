"""Silhouettes that another program found: a folder of pictures, a video of masks, run lengths as COCO writes them, or an array (npz, npy)."""

import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.config.files import read_text
from bkind3d.data.crops import Part, describe_size
from bkind3d.data.video import cut_alike, decode_frames, read_packets

Mask = UInt8[NDArray, "height width"]
#: (width, height) in pixels.
Size = tuple[int, int]
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
#: Masks may have another size than the video, but their sides the same ratio, to this share.
_SAME_SHAPE = 0.02
#: Bytes that an array of masks may take in memory.
_MOST_BYTES = 8_000_000_000
#: Bytes of JSON.
_MOST_JSON = 500_000_000
_REMEDY = "give one mask for every frame of this camera's video, of its whole picture"


def read_silhouettes(
    path: str | Path, wanted: list[int], n_frames: int, video_size: Size, size: Size, part: Part | None = None
) -> Iterator[Mask]:
    """Read the silhouettes (0 or 255, of `size`) of the `wanted` frames of a video, ascending; files are checked before the first one.

    Parameters
    ----------
    path : a folder of pictures whose names end with the frame's number, counted from 0 or 1; a video; JSON with COCO's run lengths; or an
        array (frame, height, width) as npz or npy. What is not black, or not 0, is the subject.
    n_frames, video_size : of the video that the masks belong to.
    part : of its pictures that `video_size` is of; masks may be of the whole pictures, too.

    Raises
    ------
    InputError : where masks are those of another number of frames, or of another shape, or cannot be read.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if path.is_dir():
        find = _open_folder(path, n_frames)
    elif ending == ".json":
        find = _open_run_lengths(path, n_frames)
    elif ending in (".npz", ".npy"):
        find = _open_array(path, n_frames)
    else:
        return _read_video(path, wanted, n_frames, video_size, size, part)
    return (_shrink(path, find(number), video_size, size, part) for number in wanted)


def _check_number(path: Path, found: int, n_frames: int) -> None:
    if found != n_frames:
        raise InputError(path, f"holds masks of {found} frames, the video has {n_frames}", _REMEDY)


def _shrink(path: Path, mask: Mask, video_size: Size, size: Size, part: Part | None) -> Mask:
    """A mask (0, and anything else) at the survey's size, 0 or 255."""
    mask = mask if part is None else part.cut(mask)
    height, width = mask.shape
    if abs(width * video_size[1] / (height * video_size[0]) - 1) > _SAME_SHAPE:
        raise InputError(path, f"holds masks of {width}x{height}, the video's pictures are {describe_size(video_size, part)}", _REMEDY)
    small = cv2.resize(np.where(mask > 0, 255, 0).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    return np.where(small > 127, 255, 0).astype(np.uint8)


def _open_folder(path: Path, n_frames: int) -> Callable[[int], Mask]:
    files: dict[int, Path] = {}
    for file in sorted(path.iterdir()):
        number = re.search(r"(\d{1,18})$", file.stem)
        if file.suffix.lower() in _PICTURES and number:
            if (twice := files.get(int(number[1]))) is not None:
                raise InputError(path, f"{twice.name} and {file.name} have one number", "give one mask for each frame")
            files[int(number[1])] = file
    if not files:
        raise InputError(path, "holds no pictures whose names end with a number", _REMEDY)
    first = min(files)
    if (gap := next((number for number in range(first, first + len(files)) if number not in files), None)) is not None:
        raise InputError(
            path, f"has a gap: no mask with the number {gap}, but {first} to {max(files)}", "write a black one where nothing is seen"
        )
    _check_number(path, len(files), n_frames)
    if first > 1:
        raise InputError(path, f"its masks are counted from {first}", "count frames from 0 or from 1, as the video does")

    def find(number: int) -> Mask:
        mask = cv2.imread(str(files[number + first]), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise InputError(files[number + first], "cannot be read as a picture", "write it again")
        # What was compressed is never quite black.
        return np.where(mask > (127 if files[number + first].suffix.lower().startswith(".jp") else 0), 255, 0).astype(np.uint8)

    return find


def _read_video(path: Path, wanted: list[int], n_frames: int, video_size: Size, size: Size, part: Part | None) -> Iterator[Mask]:
    video, info = cut_alike(path, part)
    _check_number(path, len(read_packets(path).times), n_frames)
    _shrink(path, np.zeros((info.height, info.width), np.uint8), video_size, size, None)
    chosen = set(wanted)
    frames = decode_frames(video, size, gray=True, wanted=chosen.__contains__)
    return (np.where(frame.picture > 127, 255, 0).astype(np.uint8) for frame in frames)


def _open_array(path: Path, n_frames: int) -> Callable[[int], Mask]:
    try:
        with _open_member(path) as stream:
            shape, kind = _read_header(stream)
            size = math.prod(shape) * kind.itemsize
            if len(shape) != 3 or kind.kind not in "biu":
                raise InputError(path, f"holds an array of shape {shape} and type {kind}", "give whole numbers (frame, height, width)")
            _check_number(path, shape[0], n_frames)
            if size > _MOST_BYTES:
                raise InputError(path, f"holds {size / 1e9:.0f} GB of masks", "give a video or a folder of masks")
        with _open_member(path) as stream:
            masks = np.lib.format.read_array(stream, allow_pickle=False)
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            path, f"cannot be read as an array of numbers ({error})", "write it with numpy.savez_compressed(path, masks=masks)"
        ) from None
    return lambda number: np.where(masks[number] != 0, 255, 0).astype(np.uint8)


@contextmanager
def _open_member(path: Path) -> Iterator[IO[bytes]]:
    """The array of the file: of several in an npz, the one named masks, or the first."""
    if path.suffix.lower() == ".npy":
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if not names:
            raise InputError(path, "holds no array", "write it with numpy.savez_compressed(path, masks=masks)")
        with archive.open("masks.npy" if "masks.npy" in names else names[0]) as stream:
            yield stream


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(stream)
    return shape, kind


def _open_run_lengths(path: Path, n_frames: int) -> Callable[[int], Mask]:
    """Masks by frame out of JSON: a list with an entry for each frame, or COCO's images and annotations (those of an image are joined)."""
    try:
        content = json.loads(read_text(path, _REMEDY, _MOST_JSON))
        if isinstance(content, list):
            entries = [[entry] if entry else [] for entry in content]
        else:
            # Frames are the images in the order of their files' names.
            images = sorted(content["images"], key=lambda image: str(image.get("file_name") or image["id"]))
            places = {image["id"]: place for place, image in enumerate(images)}
            entries = [[] for _ in images]
            for annotation in content["annotations"]:
                entries[places[annotation["image_id"]]].append(annotation)
        sizes = [tuple(image[key] for key in ("height", "width")) for image in images] if not isinstance(content, list) else []
        rows = [[entry.get("segmentation", entry) for entry in entry_list] for entry_list in entries]
        sizes = sizes or [tuple(next(one["size"] for row in rows for one in row))] * len(rows)
    except (KeyError, TypeError, AttributeError, ValueError, StopIteration) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(path, f"holds no run lengths of COCO ({type(error).__name__}: {error})", _REMEDY) from None
    _check_number(path, len(rows), n_frames)

    def find(number: int) -> Mask:
        mask = np.zeros(sizes[number], np.uint8)
        for row in rows[number]:
            try:
                mask |= decode_run_lengths(row["counts"], row["size"])
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(path, f"the run lengths of frame {number} cannot be read ({error})", "write them again") from None
        return mask

    return find


def decode_run_lengths(counts: str | list[int], size: Sequence[int]) -> Mask:
    """A mask (0 or 255) from COCO's run lengths: those of 0 first, by columns; or the text that they are packed into.

    In the text, every character holds five bits of a number, the least first, and whether more follow; from the third on, numbers are
    differences to the last but one.

    Raises
    ------
    ValueError : where they do not fill the `size` (height, width).
    """
    runs = _unpack(counts) if isinstance(counts, str) else [int(count) for count in counts]
    height, width = (int(length) for length in size)
    if min(runs, default=-1) < 0 or sum(runs) != height * width:
        raise ValueError(f"they fill {sum(runs)} of {height * width} pixels")
    values = np.where(np.arange(len(runs)) % 2 == 1, 255, 0).astype(np.uint8)
    return np.repeat(values, runs).reshape(width, height).T


def _unpack(text: str) -> list[int]:
    runs: list[int] = []
    number, shift = 0, 0
    for code in (ord(letter) - 48 for letter in text):
        number |= (code & 31) << shift
        shift += 5
        if not code & 32:
            number -= (1 << shift) if code & 16 else 0
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number, shift = 0, 0
    return runs
