"""Parts of a video's picture that are a camera's own: mirrors in view, and recorders that put several cameras into one picture.

Nothing here imports more than the standard library, so that the workflow can read its sheets in milliseconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bkind3d.config import InputError

Size = tuple[int, int]
#: A picture, or anything that is sliced as one: (height, width[, colour]).
_Sliced = TypeVar("_Sliced", bound=Any)

#: Digits of a number of pixels.
_NUMBER = re.compile(r"\d{1,6}")
_WRITE = (
    "write x,y,width,height in pixels of the video as it is shown, such as 0,168,396,238, and ,flip behind it for a view that is mirrored"
)


class CropError(InputError):
    """A video's pictures lack the part that is a camera's."""


class Crop(NamedTuple):
    """A part of a picture: its top-left pixel, its size, and whether it is mirrored (left to right) after it was cut out."""

    x: int
    y: int
    width: int
    height: int
    flip: bool = False

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}{',flip' if self.flip else ''}"

    @property
    def size(self) -> Size:
        """(width, height)."""
        return self.width, self.height

    def is_inside(self, size: Size) -> bool:
        """Whether a picture of `size` (width, height) has this part."""
        return self.x + self.width <= size[0] and self.y + self.height <= size[1]

    def place(self, pixels: _Sliced) -> _Sliced:
        """Where (..., 2) pixels of the part lie in the picture that it is cut out of."""
        placed = pixels + (self.x, self.y)
        if self.flip:
            placed[..., 0] = 2 * self.x + self.width - 1 - placed[..., 0]
        return placed

    def meets(self, other: "Crop") -> bool:
        """Whether both have a pixel in common."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


@dataclass(frozen=True)
class View:
    """A video of which one part is a camera's picture: its files in the order of time, and the part (none: the whole picture)."""

    files: tuple[Path, ...]
    crop: Crop | None = None


class Part(NamedTuple):
    """A crop, and the size (width, height) of the whole pictures that it is cut out of."""

    crop: Crop
    whole: Size

    def cut(self, picture: _Sliced) -> _Sliced:
        """The part of a whole picture; any other picture, which somebody cut before, stays as it is."""
        if picture.shape[1::-1] != self.whole or self.crop.size == self.whole:
            return picture
        x, y, width, height, flip = self.crop
        found = picture[y : y + height, x : x + width]
        return found[:, ::-1] if flip else found

    def describe(self) -> list[int]:
        """As metadata keep it; see :func:`read_part`."""
        return [*map(int, self.crop), *self.whole]


def describe_size(size: Size, part: Part | None) -> str:
    """How large a camera's pictures are, and those that they are cut out of."""
    return f"{size[0]}x{size[1]}" + (f", cut out of {part.whole[0]}x{part.whole[1]}" if part else "")


def read_part(metadata: Mapping[str, Any]) -> Part | None:
    """The part of its video that a survey table was made of; none where it is the whole picture."""
    if not metadata.get("part"):
        return None
    x, y, width, height, flip, *whole = map(int, metadata["part"])
    return Part(Crop(x, y, width, height, bool(flip)), (whole[0], whole[1]))


def parse_crop(text: str, where: str) -> Crop | None:
    """Read ``x,y,width,height`` and maybe ``,flip``; blanks may stand for commas. None where there is nothing.

    Raises
    ------
    InputError : where it is written otherwise, or no pixel is in it.
    """
    words = text.replace(",", " ").split()
    if not words:
        return None
    numbers, rest = words[:4], words[4:]
    if len(numbers) < 4 or not all(map(_NUMBER.fullmatch, numbers)) or rest not in ([], ["flip"]):
        raise InputError(where, f"crop is {text!r}", _WRITE)
    x, y, width, height = map(int, numbers)
    if not width or not height:
        raise InputError(where, f"crop is {text!r}, which holds no pixel", _WRITE)
    return Crop(x, y, width, height, bool(rest))


def list_overlaps(crops: Mapping[str, Crop]) -> list[tuple[str, str]]:
    """Pairs of cameras whose parts of one picture overlap."""
    return [(one, other) for one, other in combinations(crops, 2) if crops[one].meets(crops[other])]
