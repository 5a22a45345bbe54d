from pathlib import Path

import pytest
import yaml

from bkind3d.study.opening import load_study
from bkind3d.study.sections import format_sections


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As :func:`make_folder`."""
    return make_folder(tmp_path)


def make_folder(tmp_path: Path) -> Path:
    """A study with two sessions of two cameras; its recordings are files of one byte."""
    sheets = {
        "sessions": "session\tsubject\trig\tsplit\tstart\tstop\tjoints\tbehaviours\na\tm1\tbox\ttrain\nb\tm2\tbox\n",
        "cameras": "session\tcamera\tvideo\n" + "".join(f"{s}\t{c}\t{s}/{c}.mp4\n" for s in "ab" for c in ("left", "right")),
        "rigs": "rig\tunits\tcalibration\tboard\tboard_videos\nbox\tmm\tbox.toml\n",
    }
    (tmp_path / "config").mkdir()
    for name, text in sheets.items():
        (tmp_path / "config" / f"{name}.tsv").write_text(text)
    (tmp_path / "config" / "config.yaml").write_text("recordings: rec\nexperiments: {one: {frames: subject}}\n")
    for name in ("a/left.mp4", "a/right.mp4", "b/left.mp4", "b/right.mp4", "box.toml"):
        path = tmp_path / "rec" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[left]\n[right]\n" if name == "box.toml" else "x")
    return tmp_path


def write_files(study):
    for name, text in format_sections(study).items():
        path = study.folder / "results" / "config" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def configure(folder, **sections):
    path = folder / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **sections}))
    return load_study(folder=folder)


@pytest.fixture
def trained(folder):
    """A study whose files of settings are written."""
    write_files(load_study(folder=folder))
    return folder
