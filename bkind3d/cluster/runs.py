"""The workflow that belongs to this package, wherever that is installed, and Snakemake run on it."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import bkind3d
from bkind3d.config import InputError

#: Options of Snakemake that say which study and which workflow, which have been said.
_SAID = ("--directory", "-d", "--snakefile", "-s")


def find_workflow() -> Path:
    """The Snakefile: of the clone that holds the package, or where an installed wheel has put it."""
    clone = Path(bkind3d.__file__).resolve().parents[1]
    # Of PREFIX/lib/python3.12/site-packages, PREFIX.
    for folder in (clone, *(parent / "share" / "bkind3d" for parent in clone.parents)):
        if (folder / "Snakefile").is_file() and (folder / "workflow" / "rules").is_dir():
            return folder / "Snakefile"
    raise InputError(
        clone, "the workflow is neither there nor in a share/bkind3d above it", "install bkind3d again, or run snakemake in its clone"
    )


def make_command(study: Path, arguments: Sequence[str]) -> list[str]:
    """Snakemake's command line for a study, with further `arguments`.

    Raises
    ------
    InputError : where there is no such study, or the arguments name another.
    """
    if not study.is_dir():
        raise InputError(study, "is no folder", "give the study's, which holds config/config.yaml")
    if not (study / "config" / "config.yaml").is_file():
        raise InputError(study, "holds no config/config.yaml, so it is no study", f"bkind3d init RECORDINGS --study {study} makes one")
    for argument in arguments:
        if argument in _SAID or argument.startswith(("--directory=", "--snakefile=")):
            raise InputError(argument, f"the study is {study}, and the workflow this package's", "leave it out")
    return ["--snakefile", str(find_workflow()), "--directory", str(study), *arguments]


def start_demo(study: Path) -> None:
    """Make the demo's study in a folder that does not hold one yet; one that is there stays as it is.

    Raises
    ------
    InputError : where the folder holds other things.
    """
    if (study / "config" / "config.yaml").is_file():
        return
    part = study / ".config"  # what a killed one has left is written again
    if study.exists() and any(path != part for path in study.iterdir()):
        raise InputError(study, "holds other things", "give a folder that is empty or not there yet")
    source = find_workflow().parent / "config"
    part.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            shutil.copyfile(path, part / path.name)
    part.rename(study / "config")


def run_study(study: Path, arguments: Sequence[str]) -> None:
    """Become Snakemake, which runs the study; its jobs find the Python that this one is."""
    command = make_command(study, arguments)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.execve(sys.executable, [sys.executable, "-m", "snakemake", *command], os.environ | {"PATH": path})
