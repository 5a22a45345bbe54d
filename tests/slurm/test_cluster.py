"""What is refused before anything is submitted, and the undisturbed run."""

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from bkind3d.cluster.slurm import Demand, check_demands, read_partitions
from bkind3d.config import InputError
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.slurm


def read_refusal(slurm, study: Path, *arguments: str) -> str:
    """The line of a refusal; nothing was submitted."""
    before = slurm.list_jobs()
    result = slurm.run_snakemake(study, *arguments)
    assert slurm.list_jobs() == before
    assert result.returncode == 2, result.stderr[-3000:]
    lines = [line for line in result.stderr.splitlines() if "bkind3d: error" in line]
    assert len(lines) == 1, result.stderr[-3000:]
    return lines[0]


@pytest.fixture
def touched(study):
    """A study in which the training is to be done again."""
    (study / "results/experiments/tiny/training/model.pt").unlink()
    return study


def test_partitions_are_read(slurm):
    partitions = read_partitions()
    assert (partitions["cpu"].has_gpus, partitions["gpu"].has_gpus) == (False, True)
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
        (Demand("train_model", "gpu", minutes=2000), "asks for 2000 minutes, partition 'gpu' allows 1440"),
    ],
)
def test_what_the_cluster_does_not_have_is_refused(slurm, demand, message):
    with pytest.raises(InputError, match=re.escape(message)):
        check_demands([demand])


def test_the_check_of_the_verb_writes_nothing_if_it_refuses(slurm, tmp_path):
    refused = slurm.install("--check", "--gpu-partition", "cpu", "--folder", str(tmp_path))
    assert refused.returncode == 2
    assert "partition 'cpu' has no GPUs" in refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set-resources", "train_model:slurm_partition=fast"], "there is no partition 'fast'"),
        (
            ["--set-resources", "train_model:slurm_partition=gpu", "train_model:gpu=1", "train_model:gpu_model=a100"],
            "there is no GPU 'a100'",
        ),
        (["--slurm-logdir", "config/config.yaml/logs"], "cannot write their logs there"),
        (["--slurm-jobname-prefix", "bkind3d"], "the SLURM profile is of another version"),
    ],
)
def test_a_wrong_profile_is_refused_before_anything_is_submitted(slurm, touched, arguments, message):
    assert message in read_refusal(slurm, touched, *arguments)


def test_a_machine_without_slurm_is_refused(slurm, touched, tmp_path):
    """With a PATH on which there is no sinfo."""
    (tmp_path / "bin").mkdir()
    for program in (
        Path(sys.executable).parent / "python",
        Path(sys.executable).parent / "snakemake",
        "/bin/bash",
        "/usr/bin/env",
        "/bin/sh",
    ):
        (tmp_path / "bin" / Path(program).name).symlink_to(program)
    environment = {**slurm.environment, "PATH": str(tmp_path / "bin")}
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--directory", str(touched)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert result.returncode == 2, result.stderr[-3000:]
    assert "this machine has no SLURM" in result.stderr


def test_the_undisturbed_run(slurm, finished):
    """Every job went where it belongs, with little overhead."""
    folder, result, seconds = finished
    assert set(pd.read_csv(folder / "results/tables/pose.csv")["method"]) >= {"bkind3d", "mean_pose", "untrained"}
    assert "Nothing to be done" in slurm.run_snakemake(folder, "-n").stdout
    lines = slurm.run("squeue", "--noheader", "--states=all", "--format=%A|%k|%P|%b|%S|%e|%Z").splitlines()
    jobs = [line.split("|") for line in lines if line.split("|")[6] == str(folder)]
    partitions = {comment: partition for _, comment, partition, *_ in jobs}
    for comment, partition in partitions.items():
        assert partition == ("gpu" if "train_model" in comment or "predict" in comment else "cpu"), comment
    assert len(jobs) < 12, "small jobs go into one"
    write_overhead(jobs, seconds)


def write_overhead(jobs: list[list[str]], seconds: float) -> None:
    """Print how long the run took, and how long some job ran: the difference is what the workflow adds."""
    spans = sorted((datetime.fromisoformat(job[4]), datetime.fromisoformat(job[5])) for job in jobs)
    busy, end = 0.0, spans[0][0]
    for begin, stop in spans:
        busy += max((stop - max(begin, end)).total_seconds(), 0)
        end = max(end, stop)
    sys.stderr.write(f"\nthe run took {seconds:.0f} s, during {busy:.0f} s of which jobs ran; {len(jobs)} jobs\n")
    assert seconds - busy < max(60, 0.1 * busy)
