"""Files that libraries in C read, which a damaged one may end: read in a process of their own."""

import faulthandler
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from bkind3d.config import InputError

#: What the process may take.
_SECONDS, _GIGABYTES = 8, 2

Content = TypeVar("Content")


def read_apart(read: Callable[[Path], Content], path: Path, seconds: int = _SECONDS, gigabytes: int = _GIGABYTES) -> Content:
    """What `read` makes of `path` in a process of its own, which libraries in C end where a file is damaged; InputError then.

    It may compute for as many `seconds`, and ask for as many `gigabytes`.
    """
    # A fork has all libraries at hand, so this takes some hundredths of a second; it reads, and waits for no other thread.
    limits = (seconds, gigabytes)
    with ProcessPoolExecutor(1, mp_context=get_context("fork"), initializer=_limit, initargs=limits) as pool:
        try:
            return pool.submit(read, path).result()
        except BrokenProcessPool:
            raise InputError(path, "is damaged, so that nothing can read it", "copy it again") from None


def _limit(seconds: int, gigabytes: int) -> None:
    """Bound what this process takes: beyond what it has from its parent, whose memory it shares."""
    faulthandler.disable()
    inherited = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, inherited + gigabytes * 2**30),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
