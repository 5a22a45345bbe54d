"""What tests of several rooms need."""

import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

WriteVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def write_video() -> WriteVideo:
    """Writes RGB pictures as a video, nearly without loss."""
    av = pytest.importorskip("av")

    def write(
        path: Path,
        pictures: Iterable[np.ndarray],
        rate: int = 30,
        options: dict[str, str] | None = None,
        codec_options: dict[str, str] | None = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", options=options or {}) as container:
            stream = None
            for picture in pictures:
                if stream is None:
                    stream = container.add_stream("libx264", rate=Fraction(rate))
                    stream.height, stream.width = picture.shape[:2]
                    stream.pix_fmt = "yuv444p"
                    stream.options = {"crf": "6", "preset": "ultrafast", **(codec_options or {})}
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
            assert stream is not None
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real recordings."""
    folder = os.environ.get("BKIND3D_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("BKIND3D_REAL_DATA names no folder of real recordings")
    return Path(folder)
