"""The package as others install it: built, put into an environment of its own, and used in any folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT


def run(*command: str | Path, folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that knows nothing of this clone; `path` is where it looks for programs first."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{path}:{environment['PATH']}" if path else environment["PATH"]
    return subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `bin` of an environment with the built wheel; all other packages are those that the tests run with."""
    folder = tmp_path_factory.mktemp("wheel")
    # Built from a copy: what an earlier build left in the clone would go into the wheel.
    for name in ("bkind3d", "workflow", "profiles", "config"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "Snakefile", "environment.yaml"):
        shutil.copyfile(ROOT / name, folder / "source" / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "source"]
    done = run(*build, folder=folder)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("bkind3d-*.whl")
    venv.create(folder / "environment", symlinks=True)
    prefix = folder / "environment"
    place = Path(sysconfig.get_path("purelib", "venv", {"base": str(prefix), "platbase": str(prefix)}))
    (place / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        prefix / "bin" / "python",
        "install",
        "--quiet",
        "--no-deps",
        "--ignore-installed",
        wheel,
    ]
    done = run(*command, folder=folder)
    assert done.returncode == 0, done.stderr
    return prefix / "bin"


def test_the_demo_is_planned_from_any_folder(installed, tmp_path):
    where = run(installed / "python", "-c", "import bkind3d; print(bkind3d.__file__)", folder=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    planned = run(installed / "bkind3d", "demo", "my demo", "-n", folder=tmp_path)
    assert planned.returncode == 0, planned.stderr[-2000:]
    assert "train_model" in planned.stdout + planned.stderr
    assert "bkind3d run 'my demo'" in planned.stderr
    again = run(installed / "bkind3d", "run", "my demo", "-n", "results/calibration/arena.toml", folder=tmp_path)
    assert again.returncode == 0, again.stderr[-2000:]


def test_profiles_and_schemas_come_along(installed):
    share = installed.parent / "share" / "bkind3d"
    here = {path.relative_to(ROOT) for folder in ("workflow", "profiles") for path in (ROOT / folder).rglob("*.*") if path.suffix != ".md"}
    assert {path for path in here if not (share / path).is_file()} == set()
    assert (share / "environment.yaml").read_bytes() == (ROOT / "environment.yaml").read_bytes()


def test_the_workflow_is_a_module_of_another(installed, tmp_path):
    """As Snakemake's workflow catalogue deploys it."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    ours = installed.parent / "share" / "bkind3d" / "workflow" / "Snakefile"
    module = f'configfile: "config/config.yaml"\nmodule ours:\n    snakefile: "{ours}"\n    config: config\nuse rule * from ours\n'
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "Snakefile").write_text(module)
    planned = run(installed / "python", "-m", "snakemake", "-n", "all", folder=tmp_path, path=installed)
    assert planned.returncode == 0, planned.stderr[-2000:]
    assert "train_model" in planned.stdout + planned.stderr
