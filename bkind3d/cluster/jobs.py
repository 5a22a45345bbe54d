"""Jobs of a study in the queue."""

import logging
import os
import time
from pathlib import Path

from bkind3d.cluster.profile import PREFIX
from bkind3d.cluster.slurm import ask
from bkind3d.config import InputError

log = logging.getLogger(__name__)

#: Seconds that cancelled jobs have to be gone: SLURM gives them half a minute to end by themselves.
PATIENCE = 180


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
            f"{folder}: jobs cannot write their logs there ({error.strerror}); make it writable, or set slurm-logdir in the profile"
        ) from None


def list_jobs(study: Path, ending: bool = True) -> list[str]:
    """Numbers of the jobs in the queue that this workflow sent for a study, by their names and working directory; on request, without those that end."""
    lines = (line.split("|", 3) for line in ask("squeue", "--me", "--noheader", "--format=%A|%T|%j|%Z").splitlines())
    return [
        number
        for number, state, name, folder in lines
        if name.startswith(PREFIX) and Path(folder) == study and (ending or state != "COMPLETING")
    ]


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
                f"jobs {', '.join(left)} of an earlier run do not end; look at them with squeue, end them with scancel, and run again"
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
