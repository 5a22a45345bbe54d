"""What is known of the insides of Snakemake and its plugin: these fail when another version of them does it another way."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bkind3d.cluster import patches
from bkind3d.cluster.patches import is_dry_run, look_steadily, name_run, release_locks, run_groups_side_by_side


@pytest.mark.parametrize(
    ("arguments", "run"),
    [
        ("-n", ""),
        ("-nj4", "-j4"),
        ("-np --cores 4", "-p --cores 4"),
        ("-sSnakefile -pn", "-sSnakefile -p"),
        ("-dnew --dry-run results/n", "-dnew results/n"),
        ("--dryr -n", ""),
        ("-n results/report.html --config recordings=n", "results/report.html --config recordings=n"),
    ],
)
def test_a_dry_run_is_what_snakemake_takes_for_one(arguments, run):
    assert is_dry_run(arguments.split())
    assert name_run(arguments.split()) == f"snakemake {run}".strip()


@pytest.mark.parametrize("arguments", ["-dnew", "-sSnakefile --cores 4", "-d -n", "-- -n", "--no-such-option -n", "--cores none -n"])
def test_what_is_none_is_not_taken_for_one(arguments):
    assert not is_dry_run(arguments.split())


def test_locks_of_a_killed_run_are_those_that_snakemake_looks_for(tmp_path, monkeypatch):
    from snakemake.persistence.file import FilePersistence

    monkeypatch.chdir(tmp_path)
    workflow = SimpleNamespace(dag_settings=SimpleNamespace(max_checksum_file_size=0))
    killed = FilePersistence(dag=SimpleNamespace(workflow=workflow), path=tmp_path / ".snakemake")
    killed._write_locks("output", ["results/report.html"])
    assert list(killed._read_locks()) == [("output", "results/report.html")]
    release_locks(tmp_path)
    assert not list(killed._read_locks())


@pytest.fixture
def plugin(monkeypatch):
    found = pytest.importorskip("snakemake_executor_plugin_slurm")
    for owner, name in ((found, "get_min_job_age"), (found.Executor, "format_job_exec")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(found.Executor, "next_seconds_between_status_checks", None, raising=False)
    return found


def test_the_queue_is_looked_at_as_often_as_is_said(plugin, monkeypatch):
    """The plugin asks for the age of jobs by that name, and waits for what the property says."""
    source = inspect.getsource(plugin.Executor.check_active_jobs)
    assert "min_job_age = get_min_job_age()" in source
    assert "self.next_seconds_between_status_checks" in inspect.getsource(plugin.Executor.sleep)
    ages = iter([600, None])
    monkeypatch.setattr(plugin, "get_min_job_age", lambda: next(ages))
    look_steadily(5)
    assert [plugin.get_min_job_age(), plugin.get_min_job_age()] == [600, 600]
    executor = plugin.Executor.__new__(plugin.Executor)
    executor.next_seconds_between_status_checks = 40
    assert executor.next_seconds_between_status_checks == 5


@pytest.mark.parametrize("alone", [True, False])
def test_a_group_is_run_by_one_snakemake_and_a_job_alone_as_before(plugin, alone):
    """The command is the plugin's own, of an executor that knows no more than it needs for one."""
    words = SimpleNamespace(general_args=lambda **_: "--general", precommand=lambda **_: "")
    workflow = SimpleNamespace(
        executor_plugin=SimpleNamespace(common_settings=plugin.common_settings),
        spawned_job_args_factory=words,
        executor_settings=SimpleNamespace(pass_command_as_script=False),
        group_settings=SimpleNamespace(local_groupid="group"),
    )
    executor = type(
        "Known",
        (plugin.Executor,),
        {"__init__": lambda self: None, "get_envvar_declarations": lambda self: "", "get_job_args": lambda self, job: "--target"},
    )()
    executor.workflow = workflow
    executor.get_snakefile, executor.get_python_executable = lambda: "Snakefile", lambda: "python"
    job = SimpleNamespace(is_group=lambda: not alone, threads=3, resources={"mem_mb": 700})
    before = executor.format_job_exec(job)
    assert "--executor slurm-jobstep --jobs 1" in before
    run_groups_side_by_side()
    after = executor.format_job_exec(job)
    assert after == (before if alone else before.replace("--executor slurm-jobstep --jobs 1", "--cores 3 --resources mem_mb=700"))


GROUPED = """
from bkind3d.cluster.patches import plan_quickly
plan_quickly()
rule all:
    input: "c"
rule a:
    output: "a"
    group: "one"
    shell: "touch {output}"
rule b:
    input: "a"
    output: "b"
    group: "B"
    shell: "touch {output}"
rule c:
    input: "b", "a"
    output: "c"
    group: "one"
    params: twice=lambda wildcards, input: [*input, *input]
    shell: "touch {output}"
"""


@pytest.mark.parametrize(("group", "refused"), [("one", False), ("other", True)])
def test_a_group_that_needs_itself_is_refused_and_others_are_planned(tmp_path, group, refused):
    (tmp_path / "Snakefile").write_text(GROUPED.replace("B", group))
    plan = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--cores", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(patches.__file__).parents[2])},
    )
    assert (plan.returncode != 0) is refused
    assert ("This is not allowed" in plan.stdout + plan.stderr) is refused


def test_what_plans_quickly_is_what_snakemake_calls():
    from snakemake import common, dag

    assert inspect.signature(dag.DAG.validate_group).parameters.keys() == {"self", "group"}
    for caller, called in ((dag.DAG.update_groups, "validate_group"), (dag.DAG.update_groups, "_check_groups")):
        assert f"self.{called}(" in inspect.getsource(caller)
    assert "get_function_params(" in inspect.getsource(common.get_input_function_aux_params)


def test_versions_are_bounded():
    """What is relied on here was seen in these versions alone."""
    import tomllib

    project = tomllib.loads((Path(patches.__file__).parents[2] / "pyproject.toml").read_text())["project"]
    known = [*project["dependencies"], *project["optional-dependencies"]["slurm"]]
    assert [text for text in known if text.startswith("snakemake")] == ["snakemake>=9.27,<10", "snakemake-executor-plugin-slurm>=2.8,<2.9"]
