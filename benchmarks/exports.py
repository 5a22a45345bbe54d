"""``python -m benchmarks.exports``: time and memory of every export of an hour at 100 Hz, 30 keypoints, 6 cameras."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from bkind3d.config import EXPORT_FORMATS, SimulatedRig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import TABLES, write_table
from bkind3d.simulation.rigs import make_cameras
from bkind3d.study.layout import Layout

FRAMES, RATE, KEYPOINTS, CAMERAS = 360_000, 100.0, 30, 6


def write_study(folder: Path) -> None:
    """Write a study of one session with everything that exports read; its keypoints wander at random."""
    names = [f"k{index:02d}" for index in range(KEYPOINTS)]
    cameras, results = make_cameras(SimulatedRig(cameras=CAMERAS)), Layout(folder / "results")
    (folder / "config").mkdir(parents=True)
    (folder / "recordings").mkdir()
    for name in cameras:
        (folder / "recordings" / f"{name}.mp4").write_bytes(b"not opened")
    write_calibration(cameras, folder / "recordings" / "rig.toml", "mm")
    write_calibration(cameras, results.calibration("rig"), "mm")
    experiment = {"frames": "subject", "model": {"n_keypoints": KEYPOINTS}}
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump({"recordings": "recordings", "experiments": {"hour": experiment}}))
    (folder / "config" / "sessions.tsv").write_text(
        "session\tsubject\trig\tsplit\tsession_start_time\nlong\tanimal\trig\ttrain\t2026-05-31T14:30:00+02:00\n"
    )
    (folder / "config" / "cameras.tsv").write_text("session\tcamera\tvideo\n" + "".join(f"long\t{name}\t{name}.mp4\n" for name in cameras))
    (folder / "config" / "rigs.tsv").write_text("rig\tunits\tcalibration\tboard\tboard_videos\nrig\tmm\trig.toml\t\t\n")
    rng, frames = np.random.default_rng(0), np.arange(FRAMES)
    walk = np.cumsum(rng.normal(0, 1, (FRAMES, 1, 3)), axis=0) * [0.2, 0.2, 0.01] + rng.normal(0, 40, (1, KEYPOINTS, 3))
    table = pd.DataFrame({"frame": np.repeat(frames, KEYPOINTS), "time_s": np.repeat(frames / RATE, KEYPOINTS), "keypoint": names * FRAMES})
    table[["x", "y", "z"]] = (walk + rng.normal(0, 2, walk.shape)).reshape(-1, 3).astype(np.float32)
    table[["confidence", "spread", "reprojection_px"]] = rng.uniform(0, 1, (len(table), 3)).astype(np.float32)
    write_table(table, "keypoints", results.keypoints("hour", "long"), {"units": "mm", "rate": RATE, "model": "none"})
    edges = pd.DataFrame({"keypoint_a": names[:-1], "keypoint_b": names[1:], "weight": 1.0})
    write_table(edges, "edges", results.edges("hour"))
    survey = pd.DataFrame({column: 0 for column in TABLES["survey"]}, index=frames)
    survey = survey.assign(frame=frames, video_frame=frames, time_s=frames / RATE, fault="", mask=b"", shadows=b"", clusters=[[]] * FRAMES)
    for name, camera in cameras.items():
        about = {"video_width": camera.size[0], "video_height": camera.size[1], "rate": RATE, "n_frames": FRAMES}
        write_table(survey, "survey", results.survey("long", name), about)


def main() -> None:
    """Print wall-clock and processor seconds, peak memory and size of every format, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(folder)
        for form in sys.argv[1:] or EXPORT_FORMATS:
            start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "bkind3d", "export", form, "--study", str(folder)]
            peak = f"import resource, subprocess, sys; subprocess.run({command!r}, check=True, stderr=subprocess.DEVNULL); "
            peak += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
            kilobytes = int(subprocess.run([sys.executable, "-c", peak], check=True, capture_output=True, text=True).stdout)
            seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            size = sum(path.stat().st_size for path in (Layout(folder / "results").exports() / "hour" / form).rglob("*") if path.is_file())
            print(f"{form}: {seconds:.1f} s ({used:.1f} s of processor), peak {kilobytes / 1e6:.2f} GB, {size / 1e6:.0f} MB written")


if __name__ == "__main__":
    main()
