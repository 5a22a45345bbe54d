"""Every file that a rule makes is one that the layout names, and the other way round."""

import re
import shutil
from pathlib import Path

import pandas as pd
import yaml

from bkind3d.joints.clicks import Click, write_clicks
from bkind3d.study.layout import Layout
from tests.workflow.conftest import ROOT, run_snakemake

#: Folders that rules write into without declaring it.
UNDECLARED = {"benchmarks", "logs", "models"}


def list_patterns() -> dict[str, re.Pattern[str]]:
    """What matches the paths of every file of the layout; below `results`."""
    places = {name: place for name, place in vars(Layout).items() if hasattr(place, "pattern")}
    parts = {name: re.split(r"\{\w+\}", place.pattern) for name, place in places.items()}
    patterns = {name: "[^/]+".join(map(re.escape, split)) for name, split in parts.items()}
    # What these names stand for, or what is in the folder, is said elsewhere: settings, sheets and formats have folders of their own.
    further = {"settings": r"config/[^.]+\.json", "sheet": r"config/sheets/[^.]+\.tsv", "exports": r"exports/.+"}
    # A board's folder is called like a session's, and a rig's like one, too.
    further |= {"simulated_video": r"simulation/recordings/(?!\w+_board/)[^/]+/[^/]+\.mp4"}
    return {name: re.compile(pattern) for name, pattern in (patterns | further).items()}


def test_rules_and_layout_name_the_same_files(tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(ROOT / "config", folder / "config")
    path = folder / "config" / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    (experiment,) = settings["experiments"].values()
    settings["experiments"]["other"] = experiment
    settings["export"] = {"formats": ["tidy", "nwb", "movement", "anipose", "deeplabcut", "sleap", "keypoint-moseq", "rerun"]}
    settings["kinematics"] = {"lengths": {"trunk": ["SpineF", "TailBase"]}}
    settings["paper"] = {"main": {"title": "Main", "rows": {name: name for name in settings["experiments"]}, "grid": ["other"]}}
    path.write_text(yaml.safe_dump(settings))
    sheet = pd.read_csv(folder / "config/sessions.tsv", sep="\t", dtype=str)
    sheet.loc[sheet["session"] == "rat1", "joints"] = ""
    sheet.to_csv(folder / "config/sessions.tsv", sep="\t", index=False)
    click = Click(3, "cam1", "nose", 5.0, 6.0)
    write_clicks({click.key: click}, folder / "config/labels/rat1.tsv")
    result = run_snakemake(folder, "--summary", "all", "paper_tables")
    assert result.returncode == 0, result.stderr[-2000:]
    made = {line.partition("\t")[0] for line in result.stdout.splitlines() if line.startswith("results/")}
    patterns = list_patterns()
    named = {
        file: [name for name, pattern in patterns.items() if pattern.fullmatch(Path(file).relative_to("results").as_posix())]
        for file in made
    }
    assert len(made) > 150
    assert {file: names for file, names in named.items() if len(names) != 1} == {}
    assert {name for names in named.values() for name in names} == set(patterns) - UNDECLARED
