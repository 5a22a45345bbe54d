"""What a SLURM cluster has, asked with its own commands, and whether that is what jobs ask for."""

import getpass
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field

from bkind3d.cluster.site import Site
from bkind3d.config import InputError

#: How a profile is made again.
MEND = "see profiles/README.md, then: bkind3d profile install slurm --force"


@dataclass(frozen=True)
class Partition:
    """A partition.

    Attributes
    ----------
    minutes : longest run time of a job; no limit if none.
    has_gpus : whether some node of it has GPUs.
    gpu_types : their types, as far as they are named.
    """

    minutes: float | None
    has_gpus: bool = False
    gpu_types: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, order=True)
class Demand:
    """What a job asks of the cluster; no account, GPU type or run time (minutes) if not said."""

    job: str
    partition: str
    account: str = ""
    gpus: int = 0
    gpu_type: str = ""
    minutes: float = 0


def ask(*command: str) -> str:
    """What a command of SLURM says.

    Raises
    ------
    InputError
        If there is no such command here, or it fails.
    """
    if shutil.which(command[0]) is None:
        raise InputError(f"this machine has no SLURM (there is no {command[0]}); log in to the cluster, or leave out --profile slurm")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(f"{command[0]} did not answer within a minute; wait until the cluster answers: sinfo") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise InputError(f"{command[0]} failed ({said[:200]}); ask the administrator whether SLURM is up")
    return done.stdout


def parse_minutes(text: str) -> float | None:
    """Minutes of SLURM's [days-]hours:minutes:seconds or minutes:seconds; none where there is no limit."""
    if text in ("infinite", "UNLIMITED", "n/a"):
        return None
    days, _, clock = text.rpartition("-")
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return int(days or 0) * 24 * 60 + seconds / 60


def read_partitions() -> dict[str, Partition]:
    """Ask for the partitions that take jobs."""
    partitions: dict[str, Partition] = {}
    for line in ask("sinfo", "--noheader", "--format=%R|%a|%l|%G").splitlines():
        name, available, limit, resources = line.strip().split("|")
        if available != "up":
            continue
        known = partitions.get(name, Partition(None))
        kinds = [entry.split("(")[0].split(":") for entry in resources.split(",") if entry.split(":")[0] == "gpu"]
        types = {kind[1] for kind in kinds if len(kind) > 2}
        partitions[name] = Partition(parse_minutes(limit), known.has_gpus or bool(kinds), known.gpu_types | types)
    return partitions


def list_accounts() -> set[str]:
    """Accounts of this user; empty where the cluster keeps none, or does not tell."""
    try:
        return set(
            ask("sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={getpass.getuser()}", "format=account").split()
        )
    except InputError:
        return set()


def check_demands(demands: Iterable[Demand]) -> None:
    """Refuse what the cluster does not have, before anything is submitted.

    Raises
    ------
    InputError
        For the first demand that cannot be met.
    """
    partitions, accounts = read_partitions(), list_accounts()
    for demand in demands:
        where = f"SLURM profile, {demand.job}"
        partition = partitions.get(demand.partition)
        if partition is None:
            raise InputError(f"{where}: there is no partition {demand.partition!r}; this cluster has {_name(partitions)}; {MEND}")
        if demand.account and accounts and demand.account not in accounts:
            raise InputError(f"{where}: you have no account {demand.account!r}, but {_name(accounts)}; {MEND}")
        if demand.gpus and not partition.has_gpus:
            with_gpus = [name for name, other in partitions.items() if other.has_gpus]
            raise InputError(f"{where}: partition {demand.partition!r} has no GPUs; those that have: {_name(with_gpus)}; {MEND}")
        if demand.gpu_type and demand.gpu_type not in partition.gpu_types:
            known = f"of the types {_name(partition.gpu_types)}" if partition.gpu_types else "of no named type (leave gpu_type empty)"
            raise InputError(
                f"{where}: there is no GPU {demand.gpu_type!r} in partition {demand.partition!r}: its GPUs are {known}; {MEND}"
            )
        if partition.minutes is not None and demand.minutes > partition.minutes:
            raise InputError(
                f"{where}: asks for {demand.minutes:g} minutes, partition {demand.partition!r} allows {partition.minutes:g}; "
                "take another partition, fewer sessions_per_job or training_minutes, or less runtime under set-resources of the profile"
            )


def check_site(site: Site) -> None:
    """Refuse a site's values that the cluster does not know.

    Raises
    ------
    InputError
        For the first value that is wrong.
    """
    training = Demand("train_model", site.gpu_partition, site.account, site.gpus, site.gpu_type, site.training_minutes)
    check_demands([Demand("default-resources", site.cpu_partition, site.account, minutes=site.longest_minutes), training])


def _name(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
