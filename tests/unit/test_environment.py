import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUNNING = [
    Requirement(text)
    for text in (*PROJECT["dependencies"], *(t for name, texts in EXTRAS.items() if name not in ("test", "weights", "fuzz") for t in texts))
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


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
