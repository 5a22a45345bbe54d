"""The verb that tells Snakemake about a cluster, once."""

import argparse
import logging
import re
from pathlib import Path

from pydantic.fields import FieldInfo

from bkind3d.cli.verbs import Argument, argument, at_least, verb
from bkind3d.cluster.profile import Site, install_profile
from bkind3d.config import NAME_PATTERN, InputError, parse_section

log = logging.getLogger(__name__)


def _make_option(key: str, field: FieldInfo) -> Argument:
    """Make an option of a key of the profile's block."""
    least = next((bound.ge for bound in field.metadata if hasattr(bound, "ge")), None)
    read, about = str if least is None else at_least(least), (field.description or "").replace("%", "%%")
    return argument(f"--{key.replace('_', '-')}", metavar="VALUE", default=field.default, type=read, help=about)


@verb(
    argument("action", choices=["install"], help="write the profile into this user's folder of Snakemake"),
    argument("executor", choices=["slurm"], help="what the cluster runs"),
    *(_make_option(key, field) for key, field in Site.model_fields.items()),
    argument("--name", default="slurm", help="of the profile, for `snakemake --profile NAME`"),
    argument("--folder", type=Path, help="where profiles lie, if not in this user's folder of Snakemake"),
    argument("--check", action="store_true", help="ask the cluster first whether partitions, account and GPUs exist"),
    argument("--force", action="store_true", help="replace a profile that is there; the old one stays beside it"),
)
def profile(arguments: argparse.Namespace) -> None:
    """install the profile of a SLURM cluster, after which `snakemake --profile slurm` works"""
    from snakemake.common import get_appdirs

    from bkind3d.cluster.slurm import check_site

    values = {key: getattr(arguments, key) for key in Site.model_fields}
    if arguments.check:
        check_site(parse_section(Site, values, "profile"))
    if not re.fullmatch(NAME_PATTERN, arguments.name):
        raise InputError("--name", f"{arguments.name!r} is no name of a profile", "use letters (A to Z), digits, _ and -")
    folder = arguments.folder or Path(get_appdirs().user_config_dir)
    path = install_profile(values, folder / arguments.name, arguments.force)
    log.info("wrote %s; from the clone: snakemake --profile %s", path, arguments.name)
