"""The workflow is found wherever somebody stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from bkind3d.cluster.patches import name_run
from bkind3d.cluster.runs import find_workflow, make_command, start_demo
from bkind3d.config import InputError


@pytest.fixture
def study(tmp_path):
    (tmp_path / "my study" / "config").mkdir(parents=True)
    (tmp_path / "my study" / "config" / "config.yaml").write_text("experiments: {}\n")
    return tmp_path / "my study"


def test_the_command_names_workflow_and_study(study):
    command = make_command(study, ["--profile", "slurm", "-n"])
    assert command == ["--snakefile", str(find_workflow()), "--directory", str(study), "--profile", "slurm", "-n"]
    assert find_workflow() == Path(__file__).parents[3] / "Snakefile"


def test_what_follows_a_dry_run_is_the_same_command_without_it(study):
    assert name_run(make_command(study, ["--profile", "slurm", "-n"])) == f"bkind3d run '{study}' --profile slurm"
    assert name_run(["--directory", "x", "-n"]) == "snakemake --directory x"


@pytest.mark.parametrize("argument", ["--directory", "-d", "--snakefile=x"])
def test_what_has_been_said_is_not_said_again(study, argument):
    with pytest.raises(InputError, match="leave it out"):
        make_command(study, [argument, "x"])


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no config/config.yaml"):
        make_command(tmp_path, [])
    with pytest.raises(InputError, match="is no folder"):
        make_command(tmp_path / "none", [])


def test_it_runs_from_another_folder(study, tmp_path):
    """The workflow reads the study's settings, and refuses them in its own words."""
    done = subprocess.run(
        [sys.executable, "-m", "bkind3d", "run", "my study", "-n"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "bkind3d: error: " in done.stderr
    assert "experiments" in done.stderr


def test_the_demo_is_a_study_of_its_own(tmp_path):
    start_demo(tmp_path / "demo")
    ours = find_workflow().parent / "config"
    for name in ("config.yaml", "sessions.tsv", "cameras.tsv", "rigs.tsv"):
        assert (tmp_path / "demo" / "config" / name).read_bytes() == (ours / name).read_bytes()
    (tmp_path / "demo" / "config" / "config.yaml").write_text("changed\n")
    start_demo(tmp_path / "demo")
    assert (tmp_path / "demo" / "config" / "config.yaml").read_text() == "changed\n"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds other things"):
        start_demo(tmp_path / "full")
