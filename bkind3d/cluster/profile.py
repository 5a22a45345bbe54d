"""The profile of a SLURM cluster: the clone's template, filled in, where Snakemake looks for it."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bkind3d.cluster.site import VERSION, Site
from bkind3d.config import InputError, parse_section

TEMPLATE = Path(__file__).parents[2] / "profiles" / "slurm" / "config.yaml"
#: Names of jobs begin with it; so the workflow knows which version of the profile sent them.
PREFIX = "bkind3d-"


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
    """Write the filled profile into a folder of its own.

    Parameters
    ----------
    values : of a :class:`Site`, as far as they are not the defaults.
    folder : the profile's, named like it.
    force : replace the profile that is there; it stays beside the new one with the ending `.old`.

    Returns
    -------
    The written file.

    Raises
    ------
    InputError
        If a value is wrong, there is a profile and `force` was not given, or the folder cannot be written.
    """
    text = fill_template(parse_section(Site, values, "profile"))
    path = folder / TEMPLATE.name
    there = [
        name for name in (sorted(os.listdir(folder)) if folder.is_dir() else []) if re.fullmatch(r"(profile|config)(\.v\d+\+)?\.yaml", name)
    ]
    if there and not force:
        raise InputError(f"{folder / there[0]}: is there already; look at it, and give --force to replace it (the old one stays beside it)")
    try:
        for name in there:
            (folder / name).replace(folder / f"{name}.old")
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); make it writable, or give another place with --folder") from None
    return path


def check_version(job_prefix: str) -> None:
    """Refuse a profile of another version, by the prefix that it gives to the names of jobs.

    Raises
    ------
    InputError
        If the profile is not this version's.
    """
    if job_prefix != f"{PREFIX}{VERSION}":
        raise InputError(
            "the SLURM profile is of another version than this workflow; install it again: bkind3d profile install slurm --force "
            "(options as before; the block at the top of the old file has them)"
        )
