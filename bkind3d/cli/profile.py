"""``profile``: tell Snakemake about a cluster, once."""

import argparse
import logging
from pathlib import Path

from bkind3d.cli.numbers import at_least
from bkind3d.cluster.site import Site

HELP = "install the profile of a SLURM cluster, after which `snakemake --profile slurm` works"

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments: the keys of the profile's block are options."""
    parser.add_argument("action", choices=["install"], help="write the profile into this user's folder of Snakemake")
    parser.add_argument("executor", choices=["slurm"], help="what the cluster runs")
    for key, field in Site.model_fields.items():
        text = (field.description or "").replace("%", "%%")
        least = next((bound.ge for bound in field.metadata if hasattr(bound, "ge")), None)
        read = str if least is None else at_least(least)
        parser.add_argument(f"--{key.replace('_', '-')}", metavar="VALUE", default=field.default, type=read, help=text)
    parser.add_argument("--name", default="slurm", help="of the profile, for `snakemake --profile NAME`")
    parser.add_argument("--folder", type=Path, help="where profiles lie, if not in this user's folder of Snakemake")
    parser.add_argument("--check", action="store_true", help="ask the cluster first whether partitions, account and GPUs exist")
    parser.add_argument("--force", action="store_true", help="replace a profile that is there; the old one stays beside it")


def run(arguments: argparse.Namespace) -> None:
    """Ask the cluster if asked to, and write the profile."""
    from snakemake.common import get_appdirs

    from bkind3d.cluster.profile import install_profile
    from bkind3d.cluster.slurm import check_site
    from bkind3d.config import parse_section

    values = {key: getattr(arguments, key) for key in Site.model_fields}
    if arguments.check:
        check_site(parse_section(Site, values, "profile"))
    folder = arguments.folder or Path(get_appdirs().user_config_dir)
    path = install_profile(values, folder / arguments.name, arguments.force)
    log.info("wrote %s; from the clone: snakemake --profile %s", path, arguments.name)
