"""Decoded frames as pictures: the part that is wanted, shrunk by averaging over areas, on the planes as they are stored."""

from fractions import Fraction

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from jaxtyping import UInt8
from numpy.typing import NDArray

from bkind3d.data.crops import Crop

Picture = UInt8[NDArray, "..."]

#: Formats with a plane of luma and, maybe, two smaller ones of colour, 8 bits each.
_PLANAR = ("gray", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p")
#: Luma and colour are stored as 16 to 235 and 16 to 240, unless the video says that they have the full range.
_EXPAND_LUMA = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
_EXPAND_COLOUR = np.clip((np.arange(256) - 128) * 255 / 224 + 128, 0, 255).round().astype(np.uint8)


class Cutter:
    """Makes pictures of a file's frames, or of one part of each: the part as it is shown (none: all of it).

    The decoder's library cuts without copying anything, so that only the part is shrunk and gets its colours.
    """

    def __init__(self, crop: Crop | None = None) -> None:
        self.crop = crop
        self._graph: Graph | None = None
        self._made_for: object = None

    def make_picture(self, frame: VideoFrame, size: tuple[int, int] | None, pixels: str, reformatter: VideoReformatter) -> Picture:
        """The frame as a picture of `size` (width, height), or as stored, in the format `pixels`, turned as a player turns it."""
        turns = int(frame.rotation) // 90 % 4
        width, height = (None, None) if size is None else size[::-1] if turns % 2 else size
        if self.crop is not None:
            frame = self._cut(frame, self.crop, turns)
        if width is None or height is None:
            picture = reformatter.reformat(frame, format=pixels, interpolation="POINT").to_ndarray()
        elif frame.format.name in _PLANAR and frame.width >= 2 * width and frame.height >= 2 * height:
            picture = _shrink_planes(frame, (width, height), pixels == "gray")
        else:
            picture = reformatter.reformat(frame, width=width, height=height, format=pixels, interpolation="AREA").to_ndarray()
        picture = np.rot90(picture, turns) if turns else picture
        return np.ascontiguousarray(picture[:, ::-1] if self.crop and self.crop.flip else picture, dtype=np.uint8)

    def _cut(self, frame: VideoFrame, crop: Crop, turns: int) -> VideoFrame:
        """The part of a frame that becomes the `crop` of the picture after so many quarter turns (counter-clockwise)."""
        # Files of one video may be stored in different ways.
        kind = (frame.width, frame.height, frame.format.name, turns)
        if self._graph is None or self._made_for != kind:
            self._made_for = kind
            x, y, width, height = crop[:4]
            for done in reversed(range(turns)):
                # Back by one turn: what is on top of the turned picture is at the right of the one before it.
                x, y, width, height = (frame.height if done % 2 else frame.width) - y - height, x, height, width
            self._graph = Graph()
            source = self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1)
            )
            cut, sink = self._graph.add("crop", f"{width}:{height}:{x}:{y}:exact=1"), self._graph.add("buffersink")
            source.link_to(cut)
            cut.link_to(sink)
            self._graph.configure()
        self._graph.push(frame)
        return self._graph.pull()  # type: ignore[return-value]


def _shrink_planes(frame: VideoFrame, size: tuple[int, int], gray: bool) -> Picture:
    """Shrink the stored planes, and make colours of the few pixels that are left: many times faster than the other way round."""
    full_range = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
    stored = ((plane, np.frombuffer(memoryview(plane), np.uint8)) for plane in frame.planes)
    planes = [content.reshape(plane.height, plane.line_size)[:, : plane.width] for plane, content in stored]
    width, height = size
    if not (gray or len(planes) == 1 or full_range or width % 2 or height % 2):
        # The usual case, for which OpenCV has one function: colours at half the size of the luma, below it in one picture.
        stacked = np.empty((height * 3 // 2, width), np.uint8)
        colours = stacked[height:].reshape(2, height // 2, width // 2)
        for plane, place in zip(planes, (stacked[:height], *colours), strict=False):
            _shrink(plane, place.shape[::-1], place)
        return np.asarray(cv2.cvtColor(stacked, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)
    luma = _shrink(planes[0], size)
    if gray or len(planes) == 1:
        shown = luma if full_range else np.asarray(cv2.LUT(luma, _EXPAND_LUMA), dtype=np.uint8)
        return shown if gray else np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    blue, red = (_shrink(plane, size) for plane in planes[1:3])
    if not full_range:
        luma, blue, red = cv2.LUT(luma, _EXPAND_LUMA), cv2.LUT(blue, _EXPAND_COLOUR), cv2.LUT(red, _EXPAND_COLOUR)
    return np.asarray(cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def _shrink(plane: Picture, size: tuple[int, int], target: Picture | None = None) -> Picture:
    """Average over areas, into `target` if there is one. Halving is several times faster than any other shrinking, so it comes first."""
    while plane.shape[1] % 2 == plane.shape[0] % 2 == 0 and plane.shape[1] > 2 * size[0] and plane.shape[0] > 2 * size[1]:
        plane = np.asarray(cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    larger = plane.shape[1] >= size[0] and plane.shape[0] >= size[1]
    return np.asarray(cv2.resize(plane, size, dst=target, interpolation=cv2.INTER_AREA if larger else cv2.INTER_LINEAR), dtype=np.uint8)
