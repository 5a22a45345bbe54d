"""``python -m benchmarks.human36m``: time and memory of importing all poses of one subject of Human3.6M, at true length."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bkind3d.simulation.layouts.human36m import ACTIONS, CAMERAS, TAKES, name_files, write_cdf, write_human36m_metadata

#: Longer than the takes of any subject are on average (a minute or two, 50 per second).
FRAMES = 4500


def write_archive(folder: Path) -> None:
    """Write a subject's thirty takes; the importer opens no video, so a byte stands for each."""
    for name in ("S1/Videos", "S1/MyPoseFeatures/D3_Positions"):
        (folder / name).mkdir(parents=True)
    write_human36m_metadata(folder / "metadata.xml")
    poses = np.cumsum(np.random.default_rng(0).normal(size=(FRAMES, 32, 3)), axis=0)
    for name in (name_files("S1", action, take) for action in ACTIONS for take in TAKES):
        write_cdf(folder / "S1/MyPoseFeatures/D3_Positions" / f"{name}.cdf", poses)
        for camera in CAMERAS:
            (folder / "S1/Videos" / f"{name}.{camera}.mp4").write_bytes(b"-")


def main() -> None:
    """Print seconds and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        write_archive(Path(name) / "archive")
        start = time.perf_counter()
        command = [sys.executable, "-m", "bkind3d", "import-h36m", f"{name}/archive", "--output", f"{name}/study"]
        subprocess.run(command, check=True, capture_output=True)
        seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        takes = len(ACTIONS) * len(TAKES)
        print(
            f"{takes} takes of {FRAMES} frames: {seconds:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of processor), "
            f"at most {used.ru_maxrss / 1e6:.2f} GB"
        )


if __name__ == "__main__":
    main()
