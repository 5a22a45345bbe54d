"""The folder of a training: one process at a time trains there, and logs what all runs of it said."""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bkind3d.config import InputError


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process, and append what is logged to its ``training.log``; the lock ends with the process, however it ends.

    A record lock, unlike ``flock``, is not inherited by the processes that load data and may outlive their parent. The log of
    a rule holds its last run alone: Snakemake removes it before every run.

    Raises
    ------
    InputError
        If another process holds it (a training that a killed workflow left behind, say), or nothing can be locked there.
    """
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise InputError(
                    f"{folder}: cannot be locked ({error.strerror}); keep results on a file system that has locks, or mount it with them"
                ) from None
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise InputError(f"{folder}: {owner} trains this model right now; wait for it, or end it, and run again") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {os.uname().nodename}")
        file.flush()
        handler = logging.FileHandler(folder / "training.log")
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()
