"""``python -m benchmarks.rat7m``: time and memory of importing an hour of Rat7M: annotations and frame maps of one 6-camera session."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bkind3d.config import SimulatedRig
from bkind3d.data.video_writer import VideoWriter
from bkind3d.simulation.layouts.rat7m import MARKERS, make_rat7m_cameras, write_mat

RATE, HOUR, CHUNK, CAMERAS = 30, 3600, 3500, 6
SIZE = (128, 102)


def write_archive(folder: Path, samples_per_frame: int) -> None:
    """Write two sessions: one of an hour, and a short one to judge on. Pictures are empty; files are as many as of an hour."""
    n_frames = RATE * HOUR
    cameras = make_rat7m_cameras(SimulatedRig(cameras=CAMERAS, width=SIZE[0], height=SIZE[1]))
    for count in (CHUNK, n_frames % CHUNK):
        with VideoWriter(folder / f"{count}.video", SIZE, RATE, {"preset": "ultrafast"}) as writer:
            for _ in range(count):
                writer.write(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    rng = np.random.default_rng(0)
    for name, frames in (("s1-d1", n_frames), ("s5-d1", CHUNK)):
        for number in range(1, CAMERAS + 1):
            for start in range(0, frames, CHUNK):
                os.link(folder / f"{min(CHUNK, frames - start)}.video", folder / f"{name}-camera{number}-{start}.mp4")
        markers = rng.uniform(-100, 100, (frames * samples_per_frame, len(MARKERS), 3))
        markers[rng.uniform(size=markers.shape[:2]) < 0.1] = np.nan
        # The samples of the stand-in begin with its moment 2; a frame is filmed every so many of them.
        filmed = 2 + samples_per_frame * np.arange(frames)
        write_mat(folder / f"mocap-{name}.mat", cameras, dict.fromkeys(cameras, filmed), markers)


def main() -> None:
    """Print seconds and peak memory for motion capture as fast as the cameras, and ten times as fast."""
    for samples_per_frame in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            name = f"{folder}/archive"
            Path(name).mkdir()
            write_archive(Path(name), samples_per_frame)
            start = time.perf_counter()
            command = [sys.executable, "-m", "bkind3d", "import-rat7m", name, "--output", f"{folder}/study"]
            subprocess.run(command, check=True, capture_output=True)
            seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            size = (Path(name) / "mocap-s1-d1.mat").stat().st_size / 1e6
            print(
                f"{samples_per_frame} samples per frame: {seconds:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of processor so far), "
                f"at most {used.ru_maxrss / 1e6:.2f} GB in one process, {size:.0f} MB of .mat"
            )


if __name__ == "__main__":
    main()
