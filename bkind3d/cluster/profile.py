"""The profile of a SLURM cluster: the clone's template, filled in, where Snakemake looks for it."""

import json
import os
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import Field

from bkind3d.config import InputError, Section, parse_section

TEMPLATE = Path(__file__).parents[2] / "profiles" / "slurm" / "config.yaml"
#: Names of jobs begin with it; so the workflow knows which version of the profile sent them.
PREFIX = "bkind3d-"
#: Raised when an older profile would no longer do what the rules count on.
VERSION = 2


class Site(Section):
    """A SLURM cluster, as far as this workflow has to know it."""

    account: str = Field("", pattern="^[A-Za-z0-9_.@-]*$", description="who is charged: sacctmgr show associations user=$USER")
    cpu_partition: str = Field("cpu", pattern="^[A-Za-z0-9_.-]+$", description="where everything runs that needs no GPU: sinfo")
    gpu_partition: str = Field("gpu", pattern="^[A-Za-z0-9_.-]+$", description="where networks are trained and used")
    gpu_type: str = Field("", pattern="^[A-Za-z0-9_.]*$", description="kind of GPU, as between the colons of: sinfo -o %G")
    gpus: int = Field(1, ge=1, le=64, description="GPUs of a training")
    longest_minutes: int = Field(1440, ge=5, description="what the partitions allow a job, or less")
    training_minutes: int = Field(1440, ge=5, description="run time of a training's job; a longer training goes on in a further one")
    training_memory_mb: int = Field(16000, ge=500, description="memory of a training's job")
    jobs: int = Field(100, ge=1, description="jobs in the queue at a time")
    sessions_per_job: int = Field(4, ge=1, description="sessions whose small jobs go into one")


def fill_template(site: Site) -> str:
    """The template with the values of `site`."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for key, value in site:
        # Values are words and numbers: nothing that means something in a pattern's replacement.
        text, found = re.subn(rf"^  {key}: \S+", f"  {key}: {json.dumps(value)}", text, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f"Expected one line for {key!r} in {TEMPLATE}, got {found}")
    return text


def install_profile(values: Mapping[str, Any], folder: Path, force: bool = False) -> Path:
    """Write the profile, filled with the `values` of a :class:`Site` that are not the defaults, into its `folder`; return the written file.

    With `force`, a profile that is there is replaced; it stays beside the new one with the ending `.old`, or `.old1` and so on after
    the first.

    Raises
    ------
    InputError : if a value is wrong, there is a profile and `force` was not given, or the folder cannot be written.
    """
    text = fill_template(parse_section(Site, values, "profile"))
    path = folder / TEMPLATE.name
    files = sorted(os.listdir(folder)) if folder.is_dir() else []
    there = [name for name in files if re.fullmatch(r"(profile|config)(\.v\d+\+)?\.yaml", name)]
    if there and not force:
        raise InputError(folder / there[0], "is there already", "look at it, and give --force to replace it (the old one stays beside it)")
    try:
        for name in there:
            # The oldest is the user's own, which nothing may take the place of.
            kept = (folder / f"{name}.old{number or ''}" for number in count())
            (folder / name).rename(next(path for path in kept if not path.exists()))
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(folder, f"cannot be written ({error.strerror})", "make it writable, or give another place with --folder") from None
    return path


def check_version(job_prefix: str) -> None:
    """Refuse a profile of another version, by the prefix that it gives to the names of jobs.

    Raises
    ------
    InputError : if the profile is not this version's.
    """
    if job_prefix != f"{PREFIX}{VERSION}":
        raise InputError(
            "",
            "the SLURM profile is of another version than this workflow; install it again: bkind3d profile install slurm --force "
            "(options as before",
            "the block at the top of the old file has them)",
        )
