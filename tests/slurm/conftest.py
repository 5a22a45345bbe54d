"""A real SLURM, and a tiny study that was run through it once, undisturbed."""

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

from tests.workflow.conftest import ROOT
from tests.workflow.tiny_study import SETTINGS, write_study

CLUSTER = ROOT / "tests" / "slurm" / "cluster"
#: Long enough to be disturbed.
STEPS = 80


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
        command = ["snakemake", "--profile", "slurm", "--directory", str(study), *arguments]
        with study.with_suffix(".log").open("a") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, text=True)

    def run_snakemake(self, study: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the literal command to its end."""
        command = ["snakemake", "--profile", "slurm", "--directory", str(study), *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    def list_jobs(self, *states: str) -> dict[str, str]:
        """State of every job that the cluster remembers, or of those in the given states."""
        lines = self.run("squeue", "--noheader", "--states=all", "--format=%A %T").splitlines()
        jobs = dict(line.split() for line in lines)
        return {job: state for job, state in jobs.items() if not states or state in states}

    def wait_for_job(self, known: set[str], condition: Callable[[], bool] = lambda: True, seconds: float = 180) -> str:
        """Number of the first running job that is not among the known ones, once the condition holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            running = set(self.list_jobs("RUNNING")) - known
            if running and condition():
                return min(running)
            time.sleep(0.2)
        raise AssertionError(f"no new job within {seconds} s: {self.list_jobs()}")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A running cluster with the profile installed; stopped at the end."""
    started = subprocess.run([str(CLUSTER), "start"], capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    cluster = Slurm(tmp_path_factory.mktemp("configuration"))
    options = ["--cpu-partition", "cpu", "--gpu-partition", "gpu", "--gpu-type", "fake", "--training-memory-mb", "2000", "--check"]
    installed = cluster.install(*options)
    assert installed.returncode == 0, installed.stderr
    yield cluster
    subprocess.run([str(CLUSTER), "stop"], check=True)


@pytest.fixture(scope="session")
def finished(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str], float]:
    """A study that was run through SLURM, undisturbed: its folder, what Snakemake said, and the seconds it took."""
    settings = {**copy.deepcopy(SETTINGS), "export": {"formats": []}}
    settings["experiments"]["tiny"]["training"] |= {"steps": STEPS, "precision": "32"}
    folder = write_study(tmp_path_factory.mktemp("undisturbed") / "study", cameras=2, settings=settings)
    begin = time.monotonic()
    result = slurm.run_snakemake(folder)
    assert result.returncode == 0, result.stderr[-5000:]
    return folder, result, time.monotonic() - begin


@pytest.fixture
def study(finished: tuple[Path, object, float], tmp_path: Path) -> Path:
    """A copy of the finished study; files keep their times."""
    shutil.copytree(finished[0], tmp_path / "study")
    return tmp_path / "study"


def kill(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    process.wait(timeout=240)
