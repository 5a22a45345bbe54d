"""What is refused before anything is submitted, and an undisturbed run."""

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import yaml

from bkind3d.cluster.slurm import Demand, cancel_leftovers, check_demands, check_others, name_leftovers, read_partitions
from bkind3d.config import InputError
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.slurm


def read_refusal(slurm, study: Path, *arguments: str) -> str:
    """The line of a refusal; nothing was submitted."""
    result = slurm.run_snakemake(study, *arguments)
    assert not slurm.list_jobs(study)
    assert result.returncode == 2, result.stderr[-3000:]
    lines = [line for line in result.stderr.splitlines() if "bkind3d: error" in line]
    assert len(lines) == 1, result.stderr[-3000:]
    return lines[0]


def test_partitions_are_read(slurm):
    partitions = read_partitions()
    assert (partitions["cpu"].gpus, partitions["gpu"].gpus) == (0, 1)
    assert (partitions["cpu"].cores, partitions["cpu"].memory_mb) == (64, 256000)
    assert partitions["gpu"].gpu_types == {"fake"}
    assert partitions["cpu"].minutes == 24 * 60


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        (Demand("survey_video", "fast"), "there is no partition 'fast'; this cluster has cpu, gpu"),
        (Demand("train_model", "cpu", gpus=1), "partition 'cpu' has no GPUs; those that have: gpu"),
        (
            Demand("train_model", "gpu", gpus=1, gpu_type="a100"),
            "there is no GPU 'a100' in partition 'gpu': its GPUs are of the types fake",
        ),
        (Demand("train_model", "gpu", gpus=2), "asks for 2 GPUs, the largest node of partition 'gpu' has 1"),
        (Demand("survey_video", "cpu", memory_mb=300000), "asks for 300000 MB of memory, the largest node of partition 'cpu' has 256000"),
        (Demand("survey_video", "cpu", cores=65), "asks for 65 cores, the largest node of partition 'cpu' has 64"),
        (Demand("survey_video", "cpu", "labb"), "you have no account 'labb', but lab"),
        (Demand("train_model", "gpu", minutes=2000), "asks for 2000 minutes, partition 'gpu' allows 1440"),
    ],
)
def test_what_the_cluster_does_not_have_is_refused(slurm, demand, message):
    with pytest.raises(InputError, match=re.escape(message)):
        check_demands([demand])


def test_a_partition_that_is_not_said_is_left_to_slurm(slurm):
    check_demands([Demand("survey_video", "", "lab")])


def test_a_cluster_that_does_not_tell_accounts_is_said_to_be_one(slurm, monkeypatch, tmp_path, caplog):
    """With a PATH on which there is sinfo but no sacctmgr."""
    (tmp_path / "sinfo").symlink_to("/usr/bin/sinfo")
    monkeypatch.setenv("PATH", str(tmp_path))
    check_demands([Demand("survey_video", "cpu", "labb")])
    assert "sacctmgr does not tell your accounts, so whether labb is one" in caplog.text


def test_jobs_that_a_run_leaves_in_the_queue_are_named(slurm, tmp_path, caplog):
    name_leftovers(tmp_path)
    assert not caplog.text
    job = slurm.run(
        "sbatch", "--parsable", "--job-name=bkind3d-1_left", f"--chdir={tmp_path}", "--output=/dev/null", "--wrap=sleep 600"
    ).strip()
    name_leftovers(tmp_path)
    assert f"to do it now: scancel {job}" in caplog.text
    cancel_leftovers(tmp_path)
    assert slurm.list_jobs(tmp_path) == {job: "CANCELLED"}


def test_jobs_of_somebody_else_in_a_study_are_not_raced(slurm, tmp_path):
    check_others(tmp_path)
    slurm.run("sacctmgr", "--immediate", "add", "user", "nobody", "account=lab", check=False)
    words = ("--job-name=bkind3d-1_theirs", f"--chdir={tmp_path}", "--output=/dev/null", "--wrap=sleep 600")
    job = slurm.run("sbatch", "--parsable", "--uid=nobody", "--account=lab", *words).strip()
    with pytest.raises(InputError, match=rf"^jobs {job} of nobody work on this study; wait for them, or ask nobody to end them"):
        check_others(tmp_path)
    cancel_leftovers(tmp_path)
    assert slurm.list_jobs(tmp_path)[job] in ("PENDING", "RUNNING")
    slurm.run("scancel", job)


def test_the_check_of_the_verb_writes_nothing_if_it_refuses(slurm, tmp_path):
    refused = slurm.install("--check", "--gpu-partition", "cpu", "--folder", str(tmp_path))
    assert refused.returncode == 2
    assert "partition 'cpu' has no GPUs" in refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set-resources", "train_model:slurm_account=labb"], "you have no account 'labb', but lab"),
        (["--set-resources", "classify_actions:mem_mb=300000"], "asks for 300000 MB of memory"),
        (["--set-resources", "train_model:slurm_partition=fast"], "there is no partition 'fast'"),
        (
            ["--set-resources", "train_model:slurm_partition=gpu", "train_model:gpu=1", "train_model:gpu_model=a100"],
            "there is no GPU 'a100'",
        ),
        (["--slurm-logdir", "config/config.yaml/logs"], "cannot write their logs there"),
        (["--slurm-jobname-prefix", "bkind3d"], "the SLURM profile is of another version"),
    ],
)
def test_a_wrong_profile_is_refused_before_anything_is_submitted(slurm, untrained, arguments, message):
    assert message in read_refusal(slurm, untrained, *arguments)


def test_a_machine_without_slurm_is_refused(slurm, untrained, tmp_path):
    """With a PATH on which there is no sinfo."""
    (tmp_path / "bin").mkdir()
    for program in ("/bin/bash", "/bin/sh", "/usr/bin/env", "/usr/bin/which"):
        (tmp_path / "bin" / Path(program).name).symlink_to(program)
    # A link to the python of a virtual environment would be outside of it.
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    environment = {**slurm.environment, "PATH": str(tmp_path / "bin")}
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--directory", str(untrained)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert result.returncode == 2, result.stderr[-3000:]
    assert "this machine has no SLURM" in result.stderr


def test_the_reduced_demo(slurm, tmp_path):
    """From the simulation to the report: every job goes where it belongs, small ones go into one, and the workflow adds little."""
    demo, begin = write_reduced_demo(tmp_path / "demo"), time.monotonic()
    result = slurm.run_snakemake(demo)
    seconds = time.monotonic() - begin
    assert result.returncode == 0, result.stderr[-5000:]
    assert "Nothing to be done" in slurm.run_snakemake(demo, "-n").stdout
    assert set(pd.read_csv(demo / "results/tables/pose.csv")["method"]) >= {"bkind3d", "mean_pose", "untrained"}
    assert 100 < pd.read_csv(demo / "results/benchmarks/train_model/demo.tsv", sep="\t")["max_rss"].item() < 4000
    inner = [path.read_text().count("Building DAG of jobs") for path in (demo / "results/logs/slurm").glob("group_*/*.log")]
    assert set(inner) == {1}, "the jobs of a group share one Snakemake"
    jobs = read_jobs(slurm, demo)
    for job in jobs:
        assert job.partition == ("gpu" if re.search("train_model|networks", job.comment) else "cpu"), job.comment
    assert len(jobs) < 22  # 19 before the cube was measured for all sessions at once, and joints were found in every session
    busy = sum_busy_seconds(jobs)
    sys.stderr.write(f"\nthe reduced demo took {seconds:.0f} s, during {busy:.0f} s of which some of its {len(jobs)} jobs ran\n")
    assert seconds - busy < max(60, 0.1 * busy)


def write_reduced_demo(folder: Path) -> Path:
    """The demo with three short sessions and a short training."""
    shutil.copytree(ROOT / "config", folder / "config")
    sessions = pd.read_csv(folder / "config/sessions.tsv", sep="\t", dtype=str)
    kept = sessions[sessions["session"].isin(("rat1", "rat2", "rat5"))]
    kept.to_csv(folder / "config/sessions.tsv", sep="\t", index=False)
    cameras = pd.read_csv(folder / "config/cameras.tsv", sep="\t", dtype=str)
    cameras[cameras["session"].isin(kept["session"])].to_csv(folder / "config/cameras.tsv", sep="\t", index=False)
    path = folder / "config/config.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["experiments"]["demo"]["training"] = {"steps": 20}
    for name, session in settings["simulation"]["sessions"].items():
        settings["simulation"]["sessions"][name] = {**session, "frames": 100}
    path.write_text(yaml.safe_dump(settings))
    return folder


@dataclass(frozen=True)
class Job:
    """What the cluster says of a job; the comment holds its rule."""

    comment: str
    partition: str
    begin: datetime
    end: datetime


def read_jobs(slurm, study: Path) -> list[Job]:
    """Ask for the ended jobs of a study, in the order of their begin."""
    lines = slurm.run("squeue", "--noheader", "--states=all", "--format=%k|%P|%S|%e|%Z").splitlines()
    jobs = [
        Job(*fields[:2], *map(datetime.fromisoformat, fields[2:4]))
        for fields in (line.split("|") for line in lines)
        if fields[4] == str(study)
    ]
    return sorted(jobs, key=lambda job: job.begin)


def sum_busy_seconds(jobs: list[Job]) -> float:
    """Seconds in which some job ran."""
    busy, end = 0.0, jobs[0].begin
    for job in jobs:
        busy += max((job.end - max(job.begin, end)).total_seconds(), 0)
        end = max(end, job.end)
    return busy
