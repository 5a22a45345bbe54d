"""What goes wrong on clusters: each fault ends with the results of an undisturbed run."""

import contextlib
import filecmp
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.slurm.conftest import CLUSTER, PATIENCE, TABLES, Slurm, kill, wait_until

pytestmark = pytest.mark.slurm

#: It says how many seconds a training took.
TIMED = "history.parquet"
POSE = "results/experiments/tiny/evaluation/pose.json"

#: Makes a verb wait for its disk while there is a file: Python imports it, where it is on the path, before anything else.
SLOW_DISK = """
import os, sys, time
reach = os.fsync
def wait(file):
    while os.path.exists({slow!r}):
        time.sleep(0.1)
    reach(file)
if "regress-joints" in sys.orig_argv:
    os.fsync = wait
"""


def forget(study: Path, *paths: str) -> None:
    """Remove results, so that they are made again; the tables with them."""
    for path in (*paths, "results/tables/pose.csv"):
        (study / path).unlink()


def assert_same_results(study: Path, finished: Path) -> None:
    """Everything that numbers are made of is as in the undisturbed run, byte by byte, and nothing half-written is left."""
    kinds = {".parquet", ".json", ".csv", ".toml", ".pt"}
    paths = [
        path.relative_to(finished) for path in (finished / "results").rglob("*") if path.suffix in kinds and "models" not in path.parts
    ]
    assert set(map(Path, TABLES)) < set(paths)
    different = [path for path in paths if not filecmp.cmp(study / path, finished / path, shallow=False) and path.name != TIMED]
    assert not different
    left = [path for path in (study / "results").rglob(".*") if path.is_file()]
    assert not left


def find_verb(verb: str, study: Path) -> list[int]:
    """Processes that run a verb in a study."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if verb.encode() in words and b"bkind3d" in words and (folder / "cwd").resolve() == study:
                found.append(int(folder.name))
    return found


@contextlib.contextmanager
def stopped_verb(verb: str, study: Path, begun: Callable[[], object] = lambda: True) -> Iterator[int]:
    """A verb's process, stopped as on a file system that does not answer, until SLURM sends it a signal or the block is left."""
    wait_until(lambda: find_verb(verb, study) and begun(), f"{verb} runs")
    process = find_verb(verb, study)[0]
    os.kill(process, signal.SIGSTOP)
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGCONT)


def finish(slurm: Slurm, study: Path, finished: Path, process: subprocess.Popen[str]) -> str:
    """Wait for the end of a disturbed run, which must have mended itself; give what Snakemake said."""
    assert process.wait(timeout=2 * PATIENCE) == 0, study.with_suffix(".log").read_text()[-5000:]
    assert_same_results(study, finished)
    return study.with_suffix(".log").read_text()


def test_a_cancelled_job_is_sent_again(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    with stopped_verb("regress-joints", study):
        slurm.run("scancel", job)
    said = finish(slurm, study, finished, process)
    assert f"SLURM-job '{job}' failed, SLURM status is: 'CANCELLED'" in said


def test_a_job_that_needs_more_memory_gets_it_at_the_next_attempt(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES, "--set-resources", "regress_joints:mem_mb=300 * attempt ** 2")
    said = finish(slurm, study, finished, process)
    assert re.search("failed, SLURM status is: '(FAILED|OUT_OF_MEMORY)'", said)


def test_a_job_over_its_time_limit_is_sent_again(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES, "--set-resources", "regress_joints:runtime=4 * attempt - 3")
    job = slurm.wait_for_job(study)
    with stopped_verb("regress-joints", study):
        wait_until(lambda: slurm.list_jobs(study)[job] == "TIMEOUT", "the time of the job is over")
    said = finish(slurm, study, finished, process)
    assert f"SLURM-job '{job}' failed, SLURM status is: 'TIMEOUT'" in said


def test_a_training_over_its_time_limit_and_then_preempted_goes_on_in_further_runs_of_its_job(slurm, untrained, finished, urgent_partition):
    """SLURM itself warns it two minutes before the end, when it saves its state and queues again; then a more urgent job wants its GPU."""
    study, said = untrained, lambda: "".join(path.read_text() for path in untrained.glob("results/models/*/training.log"))
    process = slurm.start_snakemake(study, *TABLES)
    with stopped_verb("train-model", study, lambda: " steps (" in said()):
        wait_until(lambda: "is queued again" in said(), "SLURM warns the training, which is queued again")
    with stopped_verb("train-model", study, lambda: " steps (" in said().partition("going on from step")[2]):
        job = slurm.wait_for_job(study)
        slurm.run("sbatch", f"--partition={urgent_partition}", "--gpus=1", "--output=/dev/null", "--wrap=true")
        wait_until(lambda: slurm.list_jobs(study)[job] == "PENDING", "the training is taken off its node")
    finish(slurm, study, finished, process)
    assert (said().count("because of SIGUSR1"), said().count("going on from step")) == (1, 2)
    assert len(slurm.list_jobs(study)) == 4, "training, networks at work, joints, behaviours"


@pytest.fixture
def urgent_partition(slurm: Slurm) -> Iterator[str]:
    """A partition whose jobs take the GPU from others."""
    slurm.run("scontrol", "create", "PartitionName=urgent", "Nodes=gpu1", "PriorityTier=10", "PreemptMode=OFF")
    yield "urgent"
    slurm.run("scontrol", "delete", "PartitionName=urgent")


def test_an_output_that_arrives_late_is_waited_for(slurm, study, finished):
    """On the disks of clusters, a file can be seen seconds later by another machine. Here it is moved away as soon as it is there."""
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    path, away = study / POSE, study / "away"
    wait_until(path.exists, "the file is there", pause=0.001)
    path.rename(away)
    logs = study / "results/logs/slurm/rule_regress_joints"
    waiting = re.compile("Waiting at most .* for missing files")
    wait_until(lambda: any(waiting.search(log.read_text()) for log in logs.rglob("*.log")), "the job misses the file", pause=1)
    time.sleep(5)
    away.rename(path)
    said = finish(slurm, study, finished, process)
    assert "failed" not in said


def test_a_node_set_down_while_its_job_runs(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    slurm.run("scontrol", "update", "NodeName=cpu1", "State=DOWN", "Reason=test")
    wait_until(lambda: slurm.list_jobs(study)[job] != "RUNNING", "the job is taken off its node")
    # Where its daemon has reported meanwhile, it is up again already.
    slurm.run("scontrol", "update", "NodeName=cpu1", "State=RESUME", check=False)
    finish(slurm, study, finished, process)
    assert slurm.list_jobs(study) == {job: "COMPLETED"}, "queued again"


def test_a_node_lost_in_mid_write(slurm, study, finished, tmp_path, monkeypatch):
    """All that runs there dies without a word while a file has its private name; the job is queued again, and nothing of that file stays."""
    slow, folder = tmp_path / "slow", tmp_path / "python"
    slow.touch()
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SLOW_DISK.format(slow=str(slow)))
    monkeypatch.setitem(slurm.environment, "PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    written = study / "results/experiments/tiny/evaluation"
    wait_until(lambda: list(written.glob(".*")), "a file is being written")
    steps = [entry for entry in psutil.process_iter() if " ".join(entry.cmdline()).startswith(f"slurmstepd: [{job}.")]
    lost = [*steps, *(child for step in steps for child in step.children(recursive=True))]
    assert any("regress-joints" in entry.cmdline() for entry in lost)
    for entry in lost:
        with contextlib.suppress(psutil.NoSuchProcess):
            entry.kill()
    assert list(written.glob(".*")), "left behind"
    slurm.run("scontrol", "update", "NodeName=cpu1", "State=DOWN", "Reason=test")
    slow.unlink()
    wait_until(lambda: slurm.list_jobs(study)[job] != "RUNNING", "the job is taken off its node")
    slurm.run("scontrol", "update", "NodeName=cpu1", "State=RESUME", check=False)
    finish(slurm, study, finished, process)
    assert slurm.list_jobs(study) == {job: "COMPLETED"}, "queued again"


def test_the_controller_restarted_while_jobs_run(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    with stopped_verb("regress-joints", study):
        subprocess.run([str(CLUSTER), "restart", "20"], check=True)
    finish(slurm, study, finished, process)
    assert slurm.list_jobs(study) == {job: "COMPLETED"}


def test_snakemake_killed_and_started_again_while_its_job_runs(slurm, study, finished):
    """The job that was left behind is ended first: two would write the same file."""
    forget(study, POSE)
    killed = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    kill(killed, signal.SIGKILL)
    assert slurm.list_jobs(study) == {job: "RUNNING"}
    said = finish(slurm, study, finished, slurm.start_snakemake(study, *TABLES))
    assert f"left jobs behind: cancelling {job}" in said
    assert sorted(slurm.list_jobs(study).values()) == ["CANCELLED", "COMPLETED"]


def test_a_run_without_lock_leaves_the_jobs_of_a_live_one(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    with stopped_verb("regress-joints", study):
        other = slurm.run_snakemake(study, "--nolock", "--force", "results/config/study.json")
        assert other.returncode == 0, other.stderr[-3000:]
        assert "this study is being run by process" in other.stderr
        assert slurm.list_jobs(study) == {job: "RUNNING"}
    finish(slurm, study, finished, process)


def test_an_interrupted_run_leaves_no_jobs(slurm, study, finished):
    forget(study, POSE)
    process = slurm.start_snakemake(study, *TABLES)
    job = slurm.wait_for_job(study)
    kill(process, signal.SIGINT)
    assert process.returncode != 0
    assert "leaves jobs in the queue" not in study.with_suffix(".log").read_text()
    wait_until(lambda: slurm.list_jobs(study) == {job: "CANCELLED"}, "the job is cancelled")
    wait_until(lambda: not find_verb("regress-joints", study), "its processes are gone")
    finish(slurm, study, finished, slurm.start_snakemake(study, *TABLES))


@pytest.fixture
def small_disk(study: Path) -> Iterator[Path]:
    """The study on a disk of its own."""
    disk = study.with_name("disk")
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    shutil.copytree(study, disk, dirs_exist_ok=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill_disk(path: Path) -> None:
    """Write into a file until there is no room."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)


def test_a_full_disk_fails_the_job_and_spoils_nothing(slurm, small_disk, finished):
    """The disk is full when the job wants to write; with room again, the next run makes what is missing."""
    forget(small_disk, POSE)
    process = slurm.start_snakemake(small_disk, *TABLES, "--retries", "0")
    slurm.wait_for_job(small_disk)
    filling = small_disk / "filling"
    with stopped_verb("regress-joints", small_disk):
        fill_disk(filling)
    assert process.wait(timeout=PATIENCE) != 0
    assert not (small_disk / POSE).exists()
    filling.unlink()
    finish(slurm, small_disk, finished, slurm.start_snakemake(small_disk, *TABLES))
