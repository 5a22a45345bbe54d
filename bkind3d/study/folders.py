"""Folders that are there when all of them is."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bkind3d.config import InputError


def refuse_inside(folder: Path, recordings: Path) -> None:
    """Refuse to write a `folder` among recordings, which are only read.

    Raises
    ------
    InputError : where `folder` is, or would lie in, the folder `recordings`.
    """
    if folder.resolve().is_relative_to(recordings.resolve()):
        raise InputError(f"{folder}: lies in {recordings}, which holds recordings and is never written to; choose a folder elsewhere")


@contextmanager
def folder_when_complete(folder: Path) -> Iterator[Path]:
    """Give a private folder beside `folder`; rename it on success, remove it on failure.

    Raises
    ------
    InputError : where `folder` is a file or holds something, or cannot be made.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"{folder}: is there already and is never overwritten; choose another folder, or remove it")
    temporary = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
    try:
        yield temporary
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
