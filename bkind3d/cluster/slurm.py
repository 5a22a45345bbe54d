"""A SLURM cluster, asked with its own commands: whether it has what jobs ask for, and which of a study's jobs are in its queue."""

import getpass
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bkind3d.cluster.profile import PREFIX, Site
from bkind3d.config import InputError

log = logging.getLogger(__name__)

#: How a profile is made again.
MEND = "see profiles/README.md, then: bkind3d profile install slurm --force"
#: Seconds that cancelled jobs have to be gone: SLURM gives them half a minute to end by themselves.
PATIENCE = 180


@dataclass(frozen=True)
class Partition:
    """A partition.

    Attributes
    ----------
    minutes : longest run time of a job; no limit if none.
    cores, memory_mb, gpus : of its largest node, each by itself.
    gpu_types : as far as they are named.
    """

    minutes: float | None
    cores: int = 0
    memory_mb: int = 0
    gpus: int = 0
    gpu_types: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, order=True)
class Demand:
    """What a job asks of one node of the cluster; no account, GPU type, or amount (minutes, MB) if not said."""

    job: str
    partition: str
    account: str = ""
    gpus: int = 0
    gpu_type: str = ""
    minutes: float = 0
    cores: int = 0
    memory_mb: int = 0


def ask(*command: str) -> str:
    """What a command of SLURM says.

    Raises
    ------
    InputError : if there is no such command here, or it fails.
    """
    if shutil.which(command[0]) is None:
        raise InputError("", f"this machine has no SLURM (there is no {command[0]})", "log in to the cluster, or leave out --profile slurm")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise InputError("", f"{command[0]} did not answer within a minute", "wait until the cluster answers: sinfo") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise InputError("", f"{command[0]} failed ({said[:200]})", "ask the administrator whether SLURM is up")
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
    for line in ask("sinfo", "--noheader", "--exact", "--format=%R|%a|%l|%c|%m|%G").splitlines():
        name, available, limit, cores, memory, resources = line.strip().split("|")
        if available != "up":
            continue
        known = partitions.get(name, Partition(None))
        kinds = [entry.split("(")[0].split(":") for entry in resources.split(",") if entry.split(":")[0] == "gpu"]
        partitions[name] = Partition(
            parse_minutes(limit),
            max(known.cores, int(cores.rstrip("+"))),
            max(known.memory_mb, int(memory.rstrip("+"))),
            max(known.gpus, sum(int(kind[-1]) for kind in kinds)),
            known.gpu_types | {kind[1] for kind in kinds if len(kind) > 2},
        )
    return partitions


def list_accounts() -> set[str]:
    """Accounts of this user; empty where the cluster keeps none, or does not tell."""
    asked = ("show", "associations", f"user={getpass.getuser()}", "format=account")
    try:
        return set(ask("sacctmgr", "--noheader", "--parsable2", *asked).split())
    except InputError:
        return set()


def check_demands(demands: Iterable[Demand]) -> None:
    """Refuse what the cluster does not have, before anything is submitted.

    Raises
    ------
    InputError : for the first demand that cannot be met.
    """
    partitions, accounts, demands = read_partitions(), list_accounts(), list(demands)
    for demand in demands:
        where = f"SLURM profile, {demand.job}"
        if demand.account and accounts and demand.account not in accounts:
            raise InputError(where, f"you have no account {demand.account!r}, but {_name(accounts)}", MEND)
        if not demand.partition:
            continue  # SLURM's default, or what slurm-partition-config chooses
        if demand.partition not in partitions:
            raise InputError(where, f"there is no partition {demand.partition!r}; this cluster has {_name(partitions)}", MEND)
        name, partition = demand.partition, partitions[demand.partition]
        if demand.gpus and not partition.gpus:
            with_gpus = [name for name, other in partitions.items() if other.gpus]
            raise InputError(where, f"partition {name!r} has no GPUs; those that have: {_name(with_gpus)}", MEND)
        if demand.gpu_type and demand.gpu_type not in partition.gpu_types:
            known = f"of the types {_name(partition.gpu_types)}" if partition.gpu_types else "of no named type (leave gpu_type empty)"
            raise InputError(where, f"there is no GPU {demand.gpu_type!r} in partition {name!r}: its GPUs are {known}", MEND)
        _check_amounts(where, demand, partition)
    if not accounts and (asked := {demand.account for demand in demands} - {""}):
        log.warning("sacctmgr does not tell your accounts, so whether %s is one is known when the first job is sent", _name(asked))


def _check_amounts(where: str, demand: Demand, partition: Partition) -> None:
    """Refuse more than a job is allowed, or than the largest node has; a node that claims 1 MB was not told its memory."""
    if partition.minutes is not None and demand.minutes > partition.minutes:
        raise InputError(
            where,
            f"asks for {demand.minutes:g} minutes, partition {demand.partition!r} allows {partition.minutes:g}",
            "take another partition, fewer sessions_per_job or training_minutes, or less runtime under set-resources of the profile",
        )
    memory = partition.memory_mb if partition.memory_mb > 1 else demand.memory_mb
    cores, gpus = (demand.cores, partition.cores, "cores"), (demand.gpus, partition.gpus, "GPUs")
    for asked, there, what in (gpus, (demand.memory_mb, memory, "MB of memory"), cores):
        if asked > there:
            raise InputError(
                where,
                f"asks for {asked} {what}, the largest node of partition {demand.partition!r} has {there}",
                "take another partition, fewer sessions_per_job or gpus, less training_memory_mb, or less under set-resources or "
                "set-threads of the profile",
            )


def check_site(site: Site) -> None:
    """Refuse a site's values that the cluster does not know.

    Raises
    ------
    InputError : for the first value that is wrong.
    """
    gpus, minutes, memory = (site.gpus, site.gpu_type), site.training_minutes, site.training_memory_mb
    training = Demand("train_model", site.gpu_partition, site.account, *gpus, minutes, memory_mb=memory)
    check_demands([Demand("default-resources", site.cpu_partition, site.account, minutes=site.longest_minutes), training])


def _name(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def check_log_folder(folder: Path) -> None:
    """Refuse a folder that logs cannot be written to: jobs whose log cannot be opened fail without a word.

    Raises
    ------
    InputError : if the folder is not there and cannot be made, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable.{os.uname().nodename}.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            folder, f"jobs cannot write their logs there ({error.strerror})", "make it writable, or set slurm-logdir in the profile"
        ) from None


def list_jobs(study: Path, ending: bool = True) -> list[str]:
    """Numbers of the jobs in the queue that this workflow sent for a study, by their names and working directory; on request, without those that end."""
    lines = (line.split("|", 3) for line in ask("squeue", "--me", "--noheader", "--format=%A|%T|%j|%Z").splitlines())
    return [
        number
        for number, state, name, folder in lines
        if name.startswith(PREFIX) and Path(folder) == study and (ending or state != "COMPLETING")
    ]


def check_others(study: Path) -> None:
    """Refuse to begin while jobs of somebody else work on the study: two jobs would write the same files, and only their owner can end them.

    Raises
    ------
    InputError : if there are such jobs.
    """
    lines = (line.split("|", 3) for line in ask("squeue", "--noheader", "--format=%A|%u|%j|%Z").splitlines())
    theirs = [(number, user) for number, user, name, folder in lines if name.startswith(PREFIX) and Path(folder) == study]
    theirs = [(number, user) for number, user in theirs if user != getpass.getuser()]
    if theirs:
        numbers, users = ", ".join(number for number, _ in theirs), _name({user for _, user in theirs})
        raise InputError(
            "", f"jobs {numbers} of {users} work on this study", f"wait for them, or ask {users} to end them (scancel), and run again"
        )


def cancel_leftovers(study: Path) -> None:
    """Cancel the jobs of a study whose run was killed, and wait until they are gone; trainings save their state first.

    Only a run that holds the study's lock may call this. Two jobs would write the same files otherwise.

    Raises
    ------
    InputError : if they do not end.
    """
    left = list_jobs(study)
    if not left:
        return
    log.warning("an earlier run was killed and left jobs behind: cancelling %s", ", ".join(left))
    ask("scancel", *left)
    deadline = time.monotonic() + PATIENCE
    while left := list_jobs(study):
        if time.monotonic() > deadline:
            raise InputError(
                "", f"jobs {', '.join(left)} of an earlier run do not end", "look at them with squeue, end them with scancel, and run again"
            )
        time.sleep(1)


def name_leftovers(study: Path) -> None:
    """Say at the end of a run which of its jobs are in the queue nevertheless, as after Ctrl-C while the cluster does not answer."""
    try:
        left = list_jobs(study, ending=False)
    except InputError as error:
        log.warning("whether this run leaves jobs in the queue is not known: %s; the next run cancels them", error)
        return
    if left:
        log.warning("this run leaves jobs in the queue, which the next run cancels; to do it now: scancel %s", " ".join(left))
