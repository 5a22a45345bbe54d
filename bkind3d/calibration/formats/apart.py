"""Reading in a process of its own: libraries in C end the whole process where a file is damaged."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from bkind3d.config import InputError

Content = TypeVar("Content")


def read_apart(read: Callable[[Path], Content], path: Path) -> Content:
    """What `read` makes of `path`; InputError where its process is ended by the file."""
    # A fork has all libraries at hand, so this takes some hundredths of a second; it reads, and waits for no other thread.
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        try:
            return pool.submit(read, path).result()
        except BrokenProcessPool:
            raise InputError(f"{path}: is damaged, so that nothing can read it; copy it again") from None
