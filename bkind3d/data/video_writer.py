"""H.264 videos, written one picture at a time."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from jaxtyping import UInt8
from numpy.typing import NDArray

#: Options of libx264 for pictures that are measured.
CAREFUL = {"crf": "17", "preset": "veryfast", "threads": "1"}


class VideoWriter:
    """Writes RGB pictures as H.264 (yuv420p, constant rate) into an MP4 file.

    One encoder thread and no data of the machine in the stream: the same pictures give the same file with the same version of libx264.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float, options: Mapping[str, str] = CAREFUL) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001), options=dict(options))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"

    def write(self, picture: UInt8[NDArray, "..."]) -> None:
        """Append a (height, width, 3) RGB picture."""
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
