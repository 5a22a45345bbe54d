"""A real SLURM, and a finished tiny study to disturb."""

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT, run_snakemake
from tests.workflow.tiny_study import SETTINGS, write_study

CLUSTER = ROOT / "tests" / "slurm" / "cluster"
#: The nodes claim more cores than the machine has, and threads that have none of their own wait for each other.
ONE_THREAD = "--set-threads=train_model=1"
COMMAND = ("snakemake", "--profile", "slurm", ONE_THREAD, "--directory")
#: What it exits with where there can be no cluster.
UNFIT = 77
#: What runs of the study make.
TABLES = ("results/tables/pose.csv", "results/tables/actions.csv")
#: Time of a training's job. SLURM warns it up to three minutes before the end, but not before it has begun.
TRAINING_MINUTES = 5
#: Long enough to be disturbed.
STEPS = 30
#: Seconds within which everything that is waited for should have happened, on a slow machine, too.
PATIENCE = 600


def wait_until(condition: Callable[[], object], what: str, pause: float = 0.2) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
        time.sleep(pause)


class Slurm:
    """The test cluster, and Snakemake with the installed profile."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(folder),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command: str, check: bool = True) -> str:
        """Output of a command."""
        return subprocess.run(command, capture_output=True, text=True, check=check, env=self.environment).stdout

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Install the profile as a user does."""
        command = [sys.executable, "-m", "bkind3d", "profile", "install", "slurm", *options]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=self.environment, check=False)

    def start_snakemake(self, study: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start the literal command; what it says goes into a file beside the study."""
        command = [*COMMAND, str(study), *arguments]
        with study.with_suffix(".log").open("a") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, text=True)

    def run_snakemake(self, study: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the literal command to its end."""
        command = [*COMMAND, str(study), *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    def list_jobs(self, study: Path | None = None) -> dict[str, str]:
        """State of every job that the cluster remembers, or of those of a study."""
        lines = (line.split("|") for line in self.run("squeue", "--noheader", "--states=all", "--format=%A|%T|%Z").splitlines())
        return {job: state for job, state, folder in lines if study is None or Path(folder) == study}

    def wait_for_job(self, study: Path) -> str:
        """Number of a study's first running job."""
        jobs: dict[str, str] = {}

        def has_job() -> bool:
            jobs.update(self.list_jobs(study))
            return "RUNNING" in jobs.values()

        wait_until(has_job, f"a job of {study} runs")
        return next(job for job, state in jobs.items() if state == "RUNNING")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A running cluster with the profile installed; stopped at the end."""
    started = subprocess.run([str(CLUSTER), "start"], capture_output=True, text=True, check=False)
    if started.returncode == UNFIT:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stderr
    cluster = Slurm(tmp_path_factory.mktemp("configuration"))
    options = ["--account=lab", "--gpu-type=fake", "--training-memory-mb=2000", f"--training-minutes={TRAINING_MINUTES}", "--check"]
    installed = cluster.install(*options)
    assert installed.returncode == 0, installed.stderr
    # Where tests run in the background, Ctrl-C is ignored by them, and would be by what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield cluster
    subprocess.run([str(CLUSTER), "stop"], check=True)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was run to its tables on this machine, undisturbed."""
    settings = {**copy.deepcopy(SETTINGS), "export": {"formats": []}}
    settings["experiments"]["tiny"]["training"] |= {"steps": STEPS, "precision": "32"}
    folder = write_study(tmp_path_factory.mktemp("undisturbed") / "study", cameras=2, settings=settings)
    result = run_snakemake(folder, "--cores", "2", ONE_THREAD, *TABLES)
    assert result.returncode == 0, result.stderr[-5000:]
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study; files keep their times."""
    shutil.copytree(finished, tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def untrained(study: Path) -> Path:
    """The study without its model and all that follows from it."""
    shutil.rmtree(study / "results/models")
    shutil.rmtree(study / "results/tables")
    shutil.rmtree(study / "results/experiments")
    return study


def kill(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    process.wait(timeout=PATIENCE)
