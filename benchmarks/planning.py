"""``python -m benchmarks.planning [--sessions N ...]``: what Snakemake needs to plan studies of many sessions.

The dry run of N sessions of six cameras, of which twenty are trained on, with one experiment and no joints, as one types it: on one
machine, and with the profile of a SLURM cluster as it is shipped, which puts small jobs into one. Recordings are empty files: the plan
does not open them.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from bkind3d.data.calibration_files import write_calibration
from tests.workflow.tiny_study import SETTINGS, make_cameras, write_sheet

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "profiles" / "slurm"
CAMERAS, TRAINED = 6, 20


def write_large_study(folder: Path, n_sessions: int) -> None:
    """Write settings, sheets and empty recordings."""
    recordings, rig = folder / "recordings", make_cameras(CAMERAS)
    sessions, videos = [], []
    for number in range(n_sessions):
        name = f"mouse{number:04d}"
        sessions.append(f"{name}\t{name}\tring\t{'train' if number < TRAINED else 'predict'}")
        (recordings / name).mkdir(parents=True)
        for camera in rig:
            (recordings / name / f"{camera.name}.mp4").write_text("x")
            videos.append(f"{name}\t{camera.name}\t{name}/{camera.name}.mp4")
    write_calibration({camera.name: camera for camera in rig}, recordings / "ring.toml", "mm")
    (folder / "config").mkdir()
    write_sheet(folder, "sessions", ["session\tsubject\trig\tsplit", *sessions])
    write_sheet(folder, "cameras", ["session\tcamera\tvideo", *videos])
    write_sheet(folder, "rigs", ["rig\tunits\tcalibration", "ring\tmm\tring.toml"])
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump({**SETTINGS, "export": {"formats": []}}))


def plan(study: Path, *arguments: str) -> tuple[str, float, float, float]:
    """Output of a dry run, its seconds by the clock and of the processor, and its peak memory in MB."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(study), "-n", *arguments]
    log, begin = study / "plan.log", time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(log.read_text()[-3000:])
    return log.read_text(), time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def count_submissions(said: str) -> int:
    """Jobs that SLURM gets: groups, and what is neither in one nor done on the login node."""
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", said.partition("Job stats:")[2].partition("\n\n")[0], flags=re.MULTILINE))
    local = set(re.findall(r"\w+", re.search(r"localrules:\n((?:    \w+,\n)+)", (ROOT / "Snakefile").read_text())[1]))
    grouped = set(yaml.safe_load((PROFILE / "config.yaml").read_text())["groups"])
    single = sum(int(count) for rule, count in jobs.items() if rule not in {*local, *grouped, "total"})
    return single + len(re.findall(r"^\[.*\] Group job ", said, flags=re.MULTILINE))


def main() -> None:
    """Print a row for every number of sessions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="+", default=[10, 100, 300, 1000])
    print(
        "| sessions | jobs in the plan | clock s | processor s | memory MB | with the profile: clock s | processor s | memory MB | jobs sent |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for number in parser.parse_args().sessions:
        with tempfile.TemporaryDirectory() as folder:
            write_large_study(Path(folder), number)
            said, *alone = plan(Path(folder))
            sent, *profiled = plan(Path(folder), "--profile", str(PROFILE))
        jobs = int(re.search(r"^total +(\d+)", said, flags=re.MULTILINE)[1])
        numbers = " | ".join(f"{value:.{digits}f}" for value, digits in zip([*alone, *profiled], (1, 1, 0) * 2, strict=True))
        print(f"| {number:,} | {jobs:,} | {numbers} | {count_submissions(sent):,} |", flush=True)


if __name__ == "__main__":
    main()
