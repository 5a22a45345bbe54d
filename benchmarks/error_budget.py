"""``python -m benchmarks.error_budget``: what each stage of the chain loses, on the scenes' sealed subjects.

The same chain, trained with the same budget, is run with more and more of the truth put in place of what its stages find: silhouettes, then
also centres and cubes, then also headings; then its network is taught by joints, and last come regressions from 4 and 8 true joints. How
much a step of this ladder gains is what the stage before it loses. Truth enters through files: the survey's and the location's tables
are replaced, and the workflow goes on from there. Calibrations are true throughout.
"""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.judge import (
    METHODS,
    SHORT,
    Entry,
    Errors,
    Plan,
    add_options,
    compare,
    film_scene,
    judge_methods,
    make_experiment,
    note_look,
    run_workflow,
    write_study,
    write_tables,
)  # fmt: skip
from bkind3d.config import LocationConfig
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.points import read_points
from bkind3d.data.results import name_oracle
from bkind3d.evaluation.candidates import Candidate
from bkind3d.methods.discovery.settings import DiscoveryExperiment
from bkind3d.methods.supervised.settings import SupervisedExperiment
from bkind3d.study.layout import Layout
from bkind3d.survey.silhouettes import decode_mask, encode_mask

#: The cube that holds this share of the joints' distances from the centre, with this margin, is the true one.
HELD, MARGIN = 0.995, 1.1
#: Stages of the chain whose truth is given, one after the other, and what the table calls the chain then.
CHAIN, SILHOUETTES, CUBES, HEADINGS, TAUGHT = "as it is", "true silhouettes", "... centres, cubes", "... headings", "... taught by joints"
#: What the step to a row gains is lost by:
LOST_BY = {SILHOUETTES: "silhouettes", CUBES: "location", HEADINGS: "headings", TAUGHT: "missing labels"}
#: Where in a study's results true poses lie, for the methods that read headings.
POSES = "true_poses"
_COLUMNS = ("area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1")


def describe_silhouette(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """Columns of the survey for a silhouette (0 or 255) of one subject: its seven numbers, all its clusters being one."""
    numbers = [0.0] + 6 * [np.nan]
    if mask.any():
        moments, (x, y, width, height) = cv2.moments(mask, binaryImage=True), cv2.boundingRect(mask)
        centroid = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
        numbers = [moments["m00"], *centroid, x, y, x + width - 1, y + height - 1]
    return {**dict(zip(_COLUMNS, map(float, numbers), strict=True)), "clusters": [float(n) for n in numbers] if mask.any() else []}


def give_silhouettes(survey: Path, truth: Path, camera: str) -> None:
    """Put the true silhouettes of a session into the survey of one of its cameras."""
    table, metadata = read_table(survey, "survey"), read_metadata(survey)
    silhouettes = read_table(truth, "silhouettes")
    known = silhouettes[silhouettes["camera"] == camera].set_index("frame")["mask"]
    size, rows = (metadata["width"], metadata["height"]), []
    for frame in table["frame"]:
        mask = cv2.resize(decode_mask(known.loc[frame]), size, interpolation=cv2.INTER_AREA)
        mask = np.where(mask > 127, 255, 0).astype(np.uint8)
        rows.append({**describe_silhouette(mask), "mask": encode_mask(mask), "shadows": b"", "fault": ""})
    _replace(survey, "survey", table.assign(**pd.DataFrame(rows)), metadata)


def measure_side(joints: NDArray[np.float64]) -> float:
    """Side of the cube around the mean of the joints (frame, joint, 3) that holds them in any turn about the vertical axis, world units."""
    apart = joints - joints.mean(axis=1, keepdims=True)
    reach = np.maximum(np.linalg.norm(apart[..., :2], axis=-1), np.abs(apart[..., 2]))
    return float(2 * MARGIN * np.quantile(reach, HELD))


def give_location(location: Path, poses: Path, side: float) -> None:
    """Put the true centres, and the size of a body that the true cube is measured by, into the location of a session."""
    table, metadata = read_table(location, "location"), read_metadata(location)
    known = read_table(poses, "poses").set_index("frame").loc[table["frame"], ["x", "y", "z"]]
    table[["x", "y", "z"]] = known.to_numpy()
    _replace(location, "location", table.assign(valid=True, residual=0.0), metadata | {"extent": side / LocationConfig().side_margin})


def _replace(path: Path, kind: str, table: pd.DataFrame, metadata: Mapping[str, Any]) -> None:
    write_table(table, kind, path, {key: value for key, value in metadata.items() if key not in ("table", "version")})


def install_methods(folder: Path) -> Path:
    """Write what makes the methods with true headings known, as pip would; give the folder of packages."""
    site = folder / "site"
    described = site / "benchmarks_of_bkind3d-1.dist-info"
    described.mkdir(parents=True, exist_ok=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: benchmarks-of-bkind3d\nVersion: 1\n")
    kinds = {"true_discovery": "TrueDiscoveryExperiment", "true_supervised": "TrueSupervisedExperiment"}
    rows = [f"{name} = benchmarks.true_headings:{kind}\n" for name, kind in kinds.items()]
    (described / "entry_points.txt").write_text("[bkind3d.methods]\n" + "".join(rows))
    return site


def copy_stages(source: Path, study: Path, *stages: str) -> None:
    """Take over what another study has of some stages, with its times; what was taken over before stays."""
    for stage in stages:
        if not (study / "results" / stage).exists():
            part = study / "results" / f".{stage}"  # renamed when it is whole
            shutil.copytree(source / "results" / stage, part, dirs_exist_ok=True)
            part.rename(study / "results" / stage)


def give_truth(study: Path, stage: str, recordings: Path) -> None:
    """Replace what a study has found at a stage by the truth, once."""
    done, results = study / f"true_{stage}", Layout(study / "results")
    if done.exists():
        return
    truths = {path.name: path for part in ("tuning", "sealed") for path in (recordings / part / "truth").iterdir() if path.is_dir()}
    cameras = pd.read_csv(study / "config/cameras.tsv", sep="\t", dtype=str)
    sessions = cameras["session"].unique()
    if stage == "survey":
        for row in cameras.itertuples():
            give_silhouettes(results.survey(row.session, row.camera), truths[row.session] / "silhouettes.parquet", row.camera)
    else:
        joints = [read_points(truths[name] / "joints.parquet", "joints").positions for name in sessions]
        side = measure_side(np.concatenate(joints))
        for name in sessions:
            give_location(results.location(name), truths[name] / "poses.parquet", side)
            (results.folder / POSES).mkdir(exist_ok=True)
            shutil.copyfile(truths[name] / "poses.parquet", results.folder / POSES / f"{name}.parquet")
    done.touch()


def run_ladder(scene: str, tflop: float, seeds: list[int], folder: Path, cores: str) -> list[Entry]:
    """Run the chain with more and more of the truth; give what is to be compared, from the chain as it is to joints as teachers."""
    recordings, site = film_scene(scene, folder), install_methods(folder)
    (chain,) = judge_methods(["bkind3d"], Plan(tflop, seeds, untrained=False), folder / "methods" / scene, recordings, cores)
    ours, taught = (Candidate.of(kind.description) for kind in (DiscoveryExperiment, SupervisedExperiment))
    names = {f"{tflop:g}-{seed}".replace(".", "_"): {"budget_tflop": tflop, "seed": seed} for seed in seeds}
    found = [replace(chain, name=CHAIN)]

    def run(stage: str, base: Path, copied: Sequence[str], truth: str, ladder: Mapping[str, tuple[Candidate, dict[str, Any]]]) -> Path:
        """A study in which the truth takes the place of what its stage `truth` found, after what was copied; its rows of the ladder."""
        study = folder / "ladder" / scene / stage
        experiments = {
            row: {f"{kind['method']}-{name}": make_experiment(kind, training) for name, training in names.items()}
            for row, (_, kind) in ladder.items()
        }
        write_study(study, recordings, {name: settings for row in experiments.values() for name, settings in row.items()})
        copy_stages(base, study, "config", "calibration", "joints", *copied)
        give_truth(study, truth, recordings)
        rows = [Entry(row, Layout(study / "results"), list(experiments[row]), who, False) for row, (who, _) in ladder.items()]
        run_workflow(study, [path for row in rows for path in row.list_targets()], cores, site)
        found.extend(rows)
        return study

    plain = {"method": "discovery", **METHODS["bkind3d"]}
    turned = {**plain, "method": "true_discovery", "model": {"truth": f"results/{POSES}/{{session}}.parquet"}}
    learned = {"method": "true_supervised", "model": turned["model"]}
    base = run("silhouettes", folder / "methods" / scene, ["survey"], "survey", {SILHOUETTES: (ours, plain)})
    ladder = {CUBES: (ours, plain), HEADINGS: (ours, turned), TAUGHT: (taught, learned)}
    run("cubes", base, ["survey", "location"], "location", ladder)
    return found


def make_table(scene: str, errors: Errors) -> pd.DataFrame:
    """One row per step of the ladder: what is left, what the step gained, and what lost it before."""
    rows, before = [], None
    ladder = [*errors.missing, *(name for name in map(name_oracle, (4, 8)) if name in errors.table)]
    for name in ladder:
        gained = errors.describe(name, before) if before and name in LOST_BY else ""
        rows.append(
            {
                "scene": scene,
                "what": name,
                "PA-MPJPE mm": errors.describe(name),
                "minus the row above": gained,
                "so much is lost by": LOST_BY.get(name, ""),
                f"minus {ladder[-1]}": errors.describe(name, ladder[-1]),
                "no answer %": f"{100 * errors.missing[name]:.1f}" if name in errors.missing else "",
                "frames": len(errors.table),
            }
        )
        before = name
    return pd.DataFrame(rows)


def main() -> None:
    """Run the ladder on every scene that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, SHORT)
    arguments = parser.parse_args()
    folder, tables = arguments.folder.resolve(), []
    for scene in arguments.scenes:
        entries = run_ladder(scene, arguments.tflop, arguments.seeds, folder, arguments.cores)
        tables.append(make_table(scene, compare(entries)))
        note_look("error budget", tables[-1], "PA-MPJPE mm")
    write_tables(tables, folder / "error_budget")


if __name__ == "__main__":
    main()
