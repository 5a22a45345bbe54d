"""``python -m benchmarks.localisation``: how well the subject is located where recordings are hard, against the simulation's truth.

Renders recordings in which one thing after the other, and at last all together, make it hard; surveys and locates them with
the settings' defaults and the true calibration; prints a table and writes it into ``benchmarks/README.md``. Rendered and
surveyed files stay in the folder, so that a second call goes on where the first one ended.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from bkind3d.config import LocationConfig, SimulationConfig, SurveyConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.evaluation.swaps import body_length
from bkind3d.simulation.rigs import make_cameras
from bkind3d.simulation.sessions import simulate_session
from bkind3d.survey.location import locate_subject
from bkind3d.survey.silhouettes import decode_mask
from bkind3d.survey.videos import survey_video

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- localisation: begin -->", "<!-- localisation: end -->"
#: The gate: within this share of body length, in this share of the frames.
NEAR, FRAMES = 0.10, 0.995

ALL = {"rest_seconds": 10, "bystander": "behind", "long_shadows": True, "flicker": 0.08, "drift": 0.1, "blocked_cameras": 2}
#: What disturbs each recording: 15 s, all together 30 s; four cameras of 320 x 256 pixels; brown rats, and a white one where light is.
CASES: dict[str, dict[str, object]] = {
    "nothing": {"seed": 6},
    "bystander": {"seed": 8, "bystander": "behind"},
    "long shadows": {"seed": 10, "subject": "white", "long_shadows": True},
    "flicker and drift": {"seed": 10, "subject": "white", "flicker": 0.1, "drift": 0.15},
    "ten seconds of rest": {"seed": 11, "rest_seconds": 10},
    "two cameras blocked in turn": {"seed": 12, "blocked_cameras": 2},
    "a second animal inside": {"seed": 9, "bystander": "inside"},
    "all but the second": {"seed": 7, "frames": 900, **ALL},
    "all but the second, again": {"seed": 13, "frames": 900, **ALL},
}


def make_config() -> SimulationConfig:
    """The simulation of all cases; a session's name is its number."""
    sessions = {f"s{number}": {"subject": "rat", "rig": "arena", "frames": 450} | case for number, case in enumerate(CASES.values())}
    subjects = {"rat": {"seed": 1}, "white": {"coat": "white", "seed": 3}}
    return SimulationConfig.model_validate({"rigs": {"arena": {"cameras": 4}}, "subjects": subjects, "sessions": sessions})


def locate(config: SimulationConfig, session: str, folder: Path) -> Path:
    """Render (unless that is done), survey and locate a session; give its location table."""
    truth, settings = folder / "truth" / session / "silhouettes.parquet", folder / "truth" / session / "session.json"
    text = config.sessions[session].model_dump_json()
    if not truth.exists() or not settings.exists() or settings.read_text() != text:
        simulate_session(config, session, folder / "recordings", folder / "truth", workers=1)
        settings.write_text(text)
    cameras = make_cameras(config.rigs["arena"])
    write_calibration(cameras, folder / "calibration.toml", "mm")
    surveys = {name: folder / "survey" / session / f"{name}.parquet" for name in cameras}
    for name, path in surveys.items():
        survey_video(folder / "recordings" / session / f"{name}.mp4", SurveyConfig(), path)
    location = folder / "location" / f"{session}.parquet"
    locate_subject(LocationConfig(), folder / "calibration.toml", surveys, location)
    return location


def measure_overlap(session: str, folder: Path) -> float:
    """Mean over frames and cameras of the overlap (intersection over union) of silhouettes with the subject's true ones."""
    overlaps = []
    for camera, rows in read_table(folder / "truth" / session / "silhouettes.parquet", "silhouettes").groupby("camera"):
        survey = read_table(folder / "survey" / session / f"{camera}.parquet", "survey", ["frame", "mask", "fault"]).set_index("frame")
        for row in rows.itertuples():
            if survey.at[row.frame, "fault"] == "":
                found, true = decode_mask(survey.at[row.frame, "mask"]) > 0, decode_mask(row.mask) > 0
                overlaps.append((found & true).sum() / max((found | true).sum(), 1))
    return float(np.mean(overlaps))


def judge(session: str, folder: Path, location: Path) -> dict[str, float]:
    """Distance of the located centre from the mean of the joints, as a share of body length, and what else the table shows."""
    joints = read_table(folder / "truth" / session / "joints.parquet", "joints")
    points = joints[["x", "y", "z"]].to_numpy(np.float64).reshape(-1, joints["joint"].nunique(), 3)
    table = read_table(location, "location")
    errors = np.linalg.norm(table[["x", "y", "z"]].to_numpy() - points.mean(axis=1), axis=1) / body_length(points)
    known = errors[np.isfinite(errors)]
    return {
        "frames": len(table),
        "near": float((errors <= NEAR).mean()),
        "gaps": 1 - len(known) / len(table),
        "median": float(np.median(known)),
        "largest": float(known.max()),
        "views": float(table["n_views"].mean()),
        "overlap": measure_overlap(session, folder),
        "remarks": len(read_metadata(location)["remarks"]),
    }


def write_table_into(readme: Path, table: pd.DataFrame) -> None:
    """Replace what stands between the two marks of the page by the table."""
    head = "| what disturbs | frames | centre within 10 % of body length | gaps | error, median | largest | views | silhouettes: IoU | remarks |"
    lines = [head, "|" + "---|" * 9]
    for row in table.itertuples():
        lines.append(
            f"| {row.case} | {row.frames} | {100 * row.near:.1f} % | {100 * row.gaps:.1f} % | {100 * row.median:.1f} % | "
            f"{100 * row.largest:.1f} % | {row.views:.2f} | {row.overlap:.3f} | {row.remarks} |"
        )
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text("\n".join([before + BEGIN, *lines, END + after]), encoding="utf-8")


def main() -> None:
    """Run all cases, or the named ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where recordings and results are kept")
    parser.add_argument("--json", action="store_true", help="print JSON, and leave the README alone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    cv2.setNumThreads(1)
    config, rows = make_config(), []
    for number, case in enumerate(CASES):
        start = time.monotonic()
        location = locate(config, f"s{number}", arguments.folder)
        rows.append({"case": case, **judge(f"s{number}", arguments.folder, location)})
        logging.getLogger(__name__).warning("%s: %s (%.0f s)", case, rows[-1], time.monotonic() - start)
    table = pd.DataFrame(rows)
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        write_table_into(README, table)
        print(table.to_string(index=False))
    gate = table[table["case"].str.startswith("all")]["near"].min()
    print(f"gate: {100 * FRAMES:.1f} % of frames within {100 * NEAR:.0f} % of body length; reached {100 * gate:.2f} %")


if __name__ == "__main__":
    main()
