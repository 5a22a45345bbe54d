import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.conftest import write_video  # noqa: F401
from tests.workflow.tiny_study import write_study

ROOT = Path(__file__).parents[2]


def make_environment() -> dict[str, str]:
    """The environment of a shell in which this Python's environment is activated."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


def run_snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on a study, as a user with the environment activated does."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=make_environment(), check=False)


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a tiny study into the test's folder."""
    return lambda **options: write_study(tmp_path / "study", **options)
