"""``python -m benchmarks.calibration``: how well simulated rigs are calibrated, and whether broken ones are named.

Every case is a file in the output folder, so that a run goes on where another stopped. Cases:

- ``rendered``: boards rendered by MuJoCo in a larger picture, warped by the lens, blurred, with noise, encoded as video,
  and calibrated by ``calibrate-cameras``; seeds 0 to 2.
- ``projected``: corners projected, with detection errors drawn from those measured on rendered pictures; the other seeds.
- ``broken``: rigs of six cameras with one fault, and clean ones.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from benchmarks.broken_rigs import FAULTS, run_broken
from benchmarks.rigs import CONFIG, Array, find_rendered, make_rig, measure_noise, pose_boards, project_boards
from bkind3d.calibration.boards import Corners
from bkind3d.calibration.calibration import calibrate_corners
from bkind3d.calibration.world import compare_to_truth
from bkind3d.config import InputError
from bkind3d.geometry.cameras import Camera

RIGS, RENDERED_SEEDS, SEEDS = (2, 4, 6, 12), range(3), range(20)
#: Limits of the figures: centres (% of the distance), focal lengths (%), held-out error (px).
LIMITS = {"centre_percent": 0.3, "focal_percent": 0.5, "error_px": 0.5}
Row = dict[str, float | bool | str]


def judge(corners: Corners, cameras: dict[str, Camera]) -> Row:
    """Calibrate and compare with the truth; the worst camera counts."""
    started = time.process_time()
    try:
        found, judged = calibrate_corners(corners, CONFIG, "mm")
    except InputError as error:
        return {"refused": str(error)}
    truth = compare_to_truth({camera.name: camera for camera in found}, cameras)
    worst = {key: max(abs(row[key]) for row in truth.values()) for key in ("percent", "aligned_percent", "focal_percent")}
    return {
        "centre_percent": worst["aligned_percent"],
        "centre_in_floor_frame_percent": worst["percent"],
        "focal_percent": worst["focal_percent"],
        "error_px": float(judged.table["mean_px"].max()),
        "error_mm": float(judged.table["mean_world"].max()),
        "false_alarms": "; ".join(finding.text for finding in judged.findings if finding.level == "failure"),
        "seconds": time.process_time() - started,
    }


def run_rendered(n_cameras: int, seed: int, folder: Path) -> Row:
    """Film, search, calibrate; keep the detection errors for the projected cases."""
    cameras, corners = find_rendered(n_cameras, seed, folder)
    errors = measure_noise(n_cameras, seed, corners)
    np.save(folder / f"noise_{n_cameras}_{seed}.npy", errors)
    distances = np.linalg.norm(errors, axis=1)
    noise = {"corner_median_px": float(np.median(distances)), "corner_p95_px": float(np.quantile(distances, 0.95))}
    return judge(corners, cameras) | noise


def run_projected(n_cameras: int, seed: int, folder: Path) -> Row:
    """Calibrate from projected corners with measured errors."""
    rig, cameras = make_rig(n_cameras, seed)
    return judge(project_boards(cameras, pose_boards(rig, cameras), read_noise(folder), seed), cameras)


def read_noise(folder: Path) -> Array:
    """(error, 2) of all rendered cases so far, pixels."""
    files = sorted(folder.glob("noise_*.npy"))
    if not files:
        raise SystemExit("benchmarks: no rendered case yet; run `python -m benchmarks.calibration rendered` first")
    return np.concatenate([np.load(path) for path in files])


CALIBRATED: dict[str, Callable[[int, int, Path], Row]] = {"rendered": run_rendered, "projected": run_projected}


def list_cases(parts: list[str], sizes: list[int], seeds: list[int]) -> list[tuple[str, str, int]]:
    """Part, rig or fault, and seed of every case; first seeds first."""
    cases = [("rendered", str(n), seed) for seed in RENDERED_SEEDS for n in sizes]
    cases += [("projected", str(n), seed) for seed in SEEDS if seed not in RENDERED_SEEDS for n in sizes]
    cases += [("broken", kind, seed) for seed in SEEDS for kind in FAULTS]
    return [case for case in cases if case[0] in parts and case[2] in seeds]


def run_case(part: str, what: str, seed: int, folder: Path) -> None:
    """Run one case, unless its file is there."""
    path = folder / f"{part}_{what.replace(' ', '-')}_{seed:02d}.json"
    if path.exists():
        return
    row = run_broken(what, seed, read_noise(folder)) if part == "broken" else CALIBRATED[part](int(what), seed, folder)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"part": part, "what": what, "seed": seed, **row}, indent=1))
    temporary.rename(path)
    print(part, what, seed, {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}, flush=True)


def summarise(folder: Path) -> str:
    """The tables of all finished cases, as Markdown."""
    cases = pd.DataFrame([json.loads(path.read_text()) for path in sorted(folder.glob("*_*.json"))])
    lines = [
        "| cameras | case | seeds run | within all limits | centre %: median, worst | focal length %: median, worst | held-out px: median, worst |"
    ]
    lines.append("|---" * 7 + "|")
    for n in RIGS:
        for part in CALIBRATED:
            rows = cases[(cases["what"] == str(n)) & (cases["part"] == part)]
            if len(rows):
                good = np.logical_and.reduce([rows[key] <= limit for key, limit in LIMITS.items()])
                spans = [f"{rows[key].median():.2f}, {rows[key].max():.2f}" for key in LIMITS]
                lines.append(f"| {n} | {part} | {len(rows)} | {int(good.sum())} | " + " | ".join(spans) + " |")
    lines += ["", "| fault | seeds | named and nothing else |", "|---|---|---|"]
    for kind in FAULTS:
        rows = cases[cases["what"] == kind]
        if len(rows):
            lines.append(f"| {kind} | {len(rows)} | {int(rows['named'].sum())} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["rendered", "projected", "broken"], help="parts to run (all)")
    parser.add_argument("--cameras", type=int, nargs="+", default=list(RIGS), help="sizes of rigs")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the cases")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/calibration"), help="folder of the cases")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    for case in list_cases(arguments.parts, arguments.cameras, arguments.seeds):
        run_case(*case, arguments.output)
    table = summarise(arguments.output)
    (arguments.output / "table.md").write_text(table + "\n")
    print(table)


if __name__ == "__main__":
    main()
