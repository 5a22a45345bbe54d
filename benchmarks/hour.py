"""``python -m benchmarks.hour STUDY FOLDER``: an hour of four cameras (1280 x 1024 pixels, 100 Hz), from its videos to its pages.

A rat's take is rendered once, and filmed again and again: forwards and backwards, so that it never jumps, in lighter and darker light and with new noise
(:data:`VARIATIONS` of it), encoded as recorders do, and repeated by its packets to the length that is asked for. STUDY is a trained one whose
experiments are applied to it, the demo's say. The same command goes on where it was interrupted. What it costs is read from the benchmark
files of Snakemake, with a shorter length beside it: nothing should grow with the length but processor time and the disk.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml

from benchmarks.judge import copy_models, run_workflow
from benchmarks.resources import read_benchmarks
from benchmarks.surveying import repeat_video
from bkind3d.config import SimulationConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.video import decode_frames
from bkind3d.data.video_writer import VideoWriter
from bkind3d.simulation.rigs import make_cameras
from bkind3d.simulation.sessions import simulate_session
from bkind3d.study.layout import Layout
from bkind3d.study.opening import read_yaml

CAMERAS, SIZE, RATE = 4, (1280, 1024), 100.0
#: Frames of the take that is rendered, and how often it is filmed with other light and noise.
TAKE, VARIATIONS = 1200, 4
#: Grey values: noise of a sensor, and how far light goes up and down between variations.
NOISE, LIGHT = 1.5, 6
#: As a recording program sets libx264: a keyframe a second, no frames that refer to later ones.
RECORDED = {"crf": "26", "preset": "veryfast", "g": "100", "bf": "0", "threads": "1"}
SESSION, TRAINED_ON, RIG = "hour", "beginning", "arena"


def render_take(folder: Path) -> None:
    """Render the take; what is there is not rendered again."""
    config = SimulationConfig.model_validate(
        {
            "rigs": {RIG: {"cameras": CAMERAS, "width": SIZE[0], "height": SIZE[1], "rate": RATE}},
            "subjects": {"rat": {"seed": 7}},
            "sessions": {"take": {"subject": "rat", "rig": RIG, "frames": TAKE, "seed": 7, "silhouette_step": 100}},
        }
    )
    if not (folder / "truth/take/poses.parquet").exists():
        simulate_session(config, "take", folder / "take", folder / "truth", 1)
    write_calibration(make_cameras(config.rigs[RIG]), folder / "truth/arena.toml", "mm")


def vary_take(source: Path, target: Path, seed: int) -> None:
    """Film a take forwards and backwards, :data:`VARIATIONS` times, each with its own light and noise."""
    rng = np.random.default_rng(seed)
    shots = [cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1] for _, _, picture in decode_frames(source)]
    bank = [rng.normal(0, NOISE, (SIZE[1], SIZE[0], 1)).round().astype(np.int8).repeat(3, axis=2) for _ in range(8)]
    part = target.with_suffix(".part.mp4")
    with VideoWriter(part, SIZE, RATE, RECORDED) as writer:
        for light in np.linspace(-LIGHT, LIGHT, VARIATIONS).round().astype(int):
            for shot in [*shots, *shots[::-1]]:
                picture = cv2.imdecode(shot, cv2.IMREAD_COLOR)
                noise = np.roll(bank[rng.integers(len(bank))], int(rng.integers(SIZE[0])), axis=1)
                writer.write(cv2.add(picture, noise + np.int8(light), dtype=cv2.CV_8U))
    part.rename(target)


def make_recordings(folder: Path, minutes: float) -> None:
    """Make the videos of the session, `minutes` long, and of the one that its study is said to be trained on."""
    render_take(folder)
    for number in range(1, CAMERAS + 1):
        name = f"cam{number}.mp4"
        beginning, video = folder / TRAINED_ON / name, folder / f"{SESSION}-{minutes:g}" / name
        for path in (beginning, video):
            path.parent.mkdir(exist_ok=True)
        if not beginning.exists():
            vary_take(folder / "take/take" / name, beginning, number)
        if not video.exists():
            repeat_video(beginning, video.with_suffix(".part.mp4"), round(minutes * 60 * RATE)).rename(video)


def write_study(folder: Path, given: Path, minutes: float) -> tuple[Path, list[str]]:
    """Write the study of a length with the settings of the `given` one; give its folder and the names of its experiments."""
    settings, study = read_yaml(given / "config/config.yaml"), folder / f"study-{minutes:g}"
    kept = {key: settings[key] for key in ("survey", "location", "framesets", "experiments") if key in settings}
    sessions = {TRAINED_ON: (TRAINED_ON, "train"), SESSION: (f"{SESSION}-{minutes:g}", "test")}
    sheets = {
        "sessions": pd.DataFrame([(name, "rat", RIG, split) for name, (_, split) in sessions.items()], columns=_SESSIONS),
        "cameras": pd.DataFrame(
            [(name, f"cam{n}", f"{place}/cam{n}.mp4") for name, (place, _) in sessions.items() for n in range(1, CAMERAS + 1)],
            columns=["session", "camera", "video"],
        ),
        "rigs": pd.DataFrame([(RIG, "mm", "truth/arena.toml")], columns=["rig", "units", "calibration"]),
    }
    (study / "config").mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.tsv": sheet.to_csv(sep="\t", index=False) for name, sheet in sheets.items()}
    texts["config.yaml"] = yaml.safe_dump({"dataset": "hour", "recordings": "..", **kept}, sort_keys=False)
    for name, text in texts.items():
        path = study / "config" / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return study, list(kept["experiments"])


_SESSIONS = ["session", "subject", "rig", "split"]


def run_study(study: Path, given: Path, experiments: list[str], cores: str) -> None:
    """From videos to pages, with the models of the `given` study."""
    results = Layout(study / "results")
    first = [results.settings(f"training/{name}") for name in experiments] + [results.frames("subject", TRAINED_ON, "cam1")]
    run_workflow(study, [str(path.relative_to(study)) for path in first], cores)
    copy_models(Layout(given / "results"), results, experiments)
    run_workflow(study, [], cores)


def measure(study: Path) -> pd.DataFrame:
    """Processor time, largest memory and bytes on disk of every rule, in all its jobs of the long session and those that serve all sessions."""
    jobs = read_benchmarks(study).groupby("rule")
    table = pd.DataFrame({"jobs": jobs.size(), "core_min": jobs["cpu_time"].sum() / 60, "peak_mb": jobs["max_rss"].max()})
    return table.round(1)


def measure_disk(study: Path) -> pd.Series:
    """Gigabytes of every folder of the results."""
    folders = [path for path in (study / "results").iterdir() if path.is_dir()]
    return pd.Series({path.name: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e9 for path in folders}).round(3)


def main() -> None:
    """Run an hour, and a shorter length beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="a trained study")
    parser.add_argument("folder", type=Path, help="working folder: 40 GB for an hour")
    parser.add_argument("--minutes", type=float, nargs="+", default=[6, 60], help="lengths of the session")
    parser.add_argument("--cores", default="2", help="cores of the workflow")
    parser.add_argument("--film", action="store_true", help="make the videos, and no more")
    arguments = parser.parse_args()
    folder, given = arguments.folder.resolve(), arguments.study.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for minutes in arguments.minutes:
        make_recordings(folder, minutes)
        if not arguments.film:
            study, experiments = write_study(folder, given, minutes)
            run_study(study, given, experiments, arguments.cores)
            print(f"\n{minutes:g} minutes\n\n{measure(study).to_markdown()}\n\n{measure_disk(study).to_markdown()}")


if __name__ == "__main__":
    main()
