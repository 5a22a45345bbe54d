import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bkind3d

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
#: Extras that running does not need, and the one that names others.
SPARED = {"all", "test", "weights", "fuzz"}
RUNNING = [
    Requirement(text) for text in (*PROJECT["dependencies"], *(t for name, texts in EXTRAS.items() if name not in SPARED for t in texts))
]
TESTING = [Requirement(text) for text in (*EXTRAS["test"], *EXTRAS["weights"])]


def read_lock(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.!]+", line) for line in lines), "a lock names packages and versions, nothing else"
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize(("file", "requirements"), [("requirements.lock", RUNNING), ("requirements-test.lock", TESTING)])
def test_the_lock_satisfies_the_project(file, requirements):
    lock = read_lock(file)
    for requirement in requirements:
        version = lock.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {file}; run: make lock"
        assert version in requirement.specifier, f"{requirement} against {version}"


def test_locks_do_not_repeat_each_other():
    assert not read_lock("requirements.lock").keys() & read_lock("requirements-test.lock").keys()


@pytest.mark.parametrize("name", ["torchvision", "timm", "opencv-python", "opencv-python-headless", "opencv-contrib-python-headless"])
def test_what_breaks_the_environment_is_in_no_lock(name):
    assert name not in read_lock("requirements.lock") | read_lock("requirements-test.lock")


def test_torch_is_pinned_without_a_build():
    assert re.fullmatch(r"[0-9.]+", read_lock("requirements.lock")["torch"])


def test_conda_environment_has_the_same_packages():
    environment = yaml.safe_load((ROOT / "environment.yaml").read_text())
    pins = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    lock = read_lock("requirements.lock")
    assert dict(pin.split("==") for pin in pins) == {name: lock[name] for name in (canonicalize_name(r.name) for r in RUNNING)}
    python = next(entry for entry in environment["dependencies"] if isinstance(entry, str) and entry.startswith("python="))
    assert python.removeprefix("python=") in Requirement(f"python{PROJECT['requires-python']}").specifier


def test_images_are_built_from_the_lock_with_the_same_system_libraries():
    """As `make system` installs them, but for what tests alone need."""
    needed = set(re.search(r"install -y --no-install-recommends (.*)", (ROOT / "Makefile").read_text())[1].split()) - {"chromium"}
    for name in ("Dockerfile", "bkind3d.def"):
        recipe = (ROOT / "containers" / name).read_text()
        assert set(re.search(r"install --yes --no-install-recommends ([^\\\n]*)", recipe)[1].split()) == needed, name
        assert "--requirement /opt/requirements.lock" in recipe
        assert "--no-deps /opt/source" in recipe


def test_one_extra_has_all_that_running_needs():
    (text,) = EXTRAS["all"]
    assert Requirement(text).extras == EXTRAS.keys() - SPARED


def test_a_node_that_trains_and_predicts_needs_no_extra(tmp_path):
    """Nor Snakemake, nor what reads videos and calibrates cameras: all else that is installed is found, by links."""
    absent = {"aniposelib", "av", "dm_control", "h5netcdf", "h5py", "matplotlib", "mujoco", "ndx_pose", "plotly", "pynwb", "rerun_sdk"}
    absent |= {"sleap_io", "snakemake", "starlette", "tables", "tabulate", "uvicorn", "xarray"}
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if re.split("[-.]", entry.name.lower())[0] not in absent:
            (tmp_path / entry.name).symlink_to(entry)
    code = f"""
import importlib, pkgutil, sys
sys.path += [{str(ROOT)!r}, {str(tmp_path)!r}]
for room in ("training", "inference", "methods"):
    package = importlib.import_module("bkind3d." + room)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
from bkind3d.cli import build_parser
build_parser().parse_args(["train-model", "--help"])
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    assert "--store" in done.stdout


def test_no_file_names_a_package_index():
    for name in ("pyproject.toml", "requirements.lock", "requirements-test.lock", "environment.yaml", "Makefile"):
        assert not re.search(r"index-url|find-links|https?://[^ ]*(pypi|simple)", (ROOT / name).read_text()), name


def test_what_is_imported_is_declared():
    declared = {canonicalize_name(requirement.name) for requirement in RUNNING}
    packages = {"cv2": "opencv-contrib-python", "yaml": "pyyaml", "sklearn": "scikit-learn", "dm_control": "dm-control"}
    imported = set()
    for path in (ROOT / "bkind3d").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:from|import) ([a-z0-9_]+)", path.read_text(), flags=re.MULTILINE))
    known = {name for name in imported if is_installed(packages.get(name, name))}
    assert {canonicalize_name(packages.get(name, name)) for name in known} - declared <= {"bkind3d", "pydantic-core"}


def test_there_is_one_version():
    """In bkind3d/__init__.py; the citation repeats it."""
    assert PROJECT["dynamic"] == ["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == bkind3d.__version__
    assert citation["license"] == PROJECT["license"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_files_of_the_host_are_yaml(path):
    """What forms demand of their fields, and that continuous integration is the script that anybody can run."""
    read = yaml.safe_load(path.read_text())
    if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml":
        assert {"name", "description", "body"} <= read.keys()
        fields = [part for part in read["body"] if part["type"] != "markdown"]
        assert all(part["id"] and part["attributes"]["label"] for part in fields)
        assert len({part["id"] for part in fields}) == len(fields)
    if path.name == "ci.yml":
        assert {"run": ".ci/run"} in read["jobs"]["test"]["steps"]


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
