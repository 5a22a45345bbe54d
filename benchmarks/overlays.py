"""``python -m benchmarks.overlays``: mosaic frames per second of overlay videos of six views of 256 pixels."""

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from bkind3d.data.video_writer import VideoWriter
from bkind3d.report.overlay_videos import FAST, draw_pictures, lay_out
from bkind3d.report.views import Moment, View

VIEWS, SIDE, FRAMES, KEYPOINTS = 6, 384, 300, 30


def main() -> None:
    """Decode, draw and write a made-up session of noise-free, moving pictures; print frames per second."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    texture = cv2.resize(rng.integers(0, 255, (60, 90, 3)).astype(np.uint8), (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_CUBIC)
    pictures = [cv2.imencode(".jpg", texture[shift : shift + SIDE, shift : shift + SIDE])[1] for shift in range(0, 60, 2)]
    projection = np.array([[60.0, 0, SIDE / 2, 0], [0, 60, SIDE / 2, 0], [0, 0, 1, 0]])
    cameras, names = [f"cam{index + 1}" for index in range(VIEWS)], [f"k{index:02d}" for index in range(KEYPOINTS)]
    mosaic = lay_out(cameras, names, [(index, index + 1, 1.0) for index in range(KEYPOINTS - 1)], share=2 / 3)
    points = np.concatenate([rng.normal(0, 0.6, (KEYPOINTS, 2)), np.ones((KEYPOINTS, 1))], axis=1)

    def read_moments():  # type: ignore[no-untyped-def]
        for frame in range(FRAMES):
            decoded = [cv2.imdecode(pictures[(frame + 5 * index) % len(pictures)], cv2.IMREAD_COLOR_RGB) for index in range(VIEWS)]
            views = {camera: View(np.asarray(picture, np.uint8), projection) for camera, picture in zip(cameras, decoded, strict=True)}
            yield Moment(frame, frame / 30, views, points + 0.1 * np.sin(frame / 10))

    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        with VideoWriter(Path(folder) / "v.mp4", (mosaic.ground.shape[1], mosaic.ground.shape[0]), 30.0, FAST) as writer:
            for picture in draw_pictures(mosaic, read_moments(), threads=2):
                writer.write(picture)
        seconds, used = time.perf_counter() - start, time.process_time() - used
    print(f"overlays: {FRAMES / seconds:.0f} mosaic frames per second on the clock, {FRAMES / used:.0f} per second of one processor")


if __name__ == "__main__":
    main()
