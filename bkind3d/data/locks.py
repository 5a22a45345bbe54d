"""Who is at work on a file: locks, which end with their process, and the processes of this machine, on disks that several machines share."""

import errno
import fcntl
import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from bkind3d.config import InputError

log = logging.getLogger(__name__)

#: This machine, as others on a cluster see it.
MACHINE = os.uname().nodename


def is_alive(process: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def take_lock(path: Path) -> TextIO:
    """Lock the file at `path`, which is made with its folder, for as long as what is given is open; the file says whose the lock is.

    A record lock, unlike ``flock``, is not inherited by processes that may outlive their parent. Where the file system has no locks, what
    the file says counts: a process of this machine that is gone holds nothing, one of another machine does until its file is removed.

    Raises
    ------
    BlockingIOError : if another process holds it; the error says which.
    InputError : if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"cannot be written ({error.strerror})", "make the folder writable for you") from None
    file.seek(0)
    owner = file.read().strip()
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        known = error.errno in (errno.EACCES, errno.EAGAIN)
        if known or _may_live(owner):
            file.close()
            hint = "" if known else f" (as far as can be seen: there are no locks on this file system; if it is gone, remove {path})"
            raise BlockingIOError(f"{owner or 'another process'}{hint}") from None
        log.warning("%s: there are no locks on this file system (%s); do not run two at a time", path, error.strerror)
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {MACHINE}")
        file.flush()
    except OSError as error:
        raise InputError(path, f"cannot be written ({error.strerror})", "make room there") from None
    return file


def release_lock(file: TextIO) -> None:
    """Give up a lock, and take the owner out of the file."""
    with suppress(OSError), file:
        file.truncate(0)


def _may_live(owner: str) -> bool:
    """Whether a process may be alive, by what it wrote into its lock."""
    stated = re.fullmatch(r"process (\d{1,9}) on (.+)", owner)
    return stated is not None and (stated[2] != MACHINE or is_alive(int(stated[1])))
