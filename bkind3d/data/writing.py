"""Files and folders that are there when all of them is: written under a private name beside their place, then renamed.

A private name begins with a dot, and says which process of which machine writes. A process that is killed leaves behind what it wrote;
who writes to the same place next removes it, unless its process may be alive.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.data.locks import MACHINE, is_alive

#: Whether a process of another machine is alive cannot be seen: it is, unless it has written nothing for so many seconds (by the clock of
#: the file system, which is the same for all machines).
SILENCE = 86400
#: What says that there is no room: of the disk, the quota, the size that a file may have; and that nothing may be written any more.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def replaced_when_complete(path: str | Path) -> Iterator[Path]:
    """Give a private temporary name beside `path`; rename it to `path` on success, remove it on failure.

    Raises
    ------
    InputError : where nothing, or no more, can be written there.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(path, "is a folder", "give the name of a file to write")
    temporary = _name_temporary(path)
    with _refusing(path):
        temporary.touch()
        _remove_leftovers(path, temporary.stat().st_mtime)
        temporary.unlink()
    try:
        with _refusing(path, NO_ROOM):
            yield temporary
        with _refusing(path):
            _reach_disk(temporary)
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def folder_when_complete(folder: Path) -> Iterator[Path]:
    """Give a private folder beside `folder`; rename it on success, remove it on failure.

    Raises
    ------
    InputError : where `folder` is a file or holds something, or where nothing, or no more, can be written.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(folder, "is there already and is never overwritten", "choose another folder, or remove it")
    temporary = _name_temporary(folder.absolute())
    with _refusing(folder):
        temporary.mkdir()
        _remove_leftovers(folder.absolute(), temporary.stat().st_mtime)
    try:
        with _refusing(folder, NO_ROOM):
            yield temporary
        with _refusing(folder):
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_inside(folder: Path, recordings: Path) -> None:
    """Refuse to write a `folder` among recordings, which are only read.

    Raises
    ------
    InputError : where `folder` is, or would lie in, the folder `recordings`.
    """
    if folder.resolve().is_relative_to(recordings.resolve()):
        raise InputError(folder, f"lies in {recordings}, which holds recordings and is never written to", "choose a folder elsewhere")


@contextmanager
def _refusing(path: Path, numbers: Sequence[int] = ()) -> Iterator[None]:
    """Turn errors of the system (with `numbers`, these alone) into one line: `path` cannot be written."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        # Libraries of file formats repeat the system's words in errors of their own.
        said = [os.strerror(number) for number in numbers if getattr(error, "errno", 0) == number or os.strerror(number) in str(error)]
        if not numbers and isinstance(error, OSError):
            said = [error.strerror or str(error)]
        if not said:
            raise
        raise InputError(path, f"cannot be written ({said[0]})", "make room or rights there, or write to another folder") from None


def _name_temporary(path: Path) -> Path:
    """The private name of this process beside `path`, at which nothing is; processes on two machines may have the same number."""
    temporary = path.with_name(f".{path.stem}.{MACHINE}.{os.getpid()}{path.suffix}")
    with _refusing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
    return temporary


def _remove_leftovers(path: Path, now: float) -> None:
    """Remove what killed processes have left beside `path`."""
    name = re.compile(rf"\.{re.escape(path.stem)}\.(?P<machine>.+)\.(?P<process>\d{{1,9}}){re.escape(path.suffix)}")
    for entry in list(os.scandir(path.parent)):
        if not (match := name.fullmatch(entry.name)):
            continue
        # Somebody else may be removing it, or it may be his.
        with suppress(OSError):
            if match["machine"] == MACHINE:
                left = not is_alive(int(match["process"]))
            else:
                parts = [Path(entry.path), *Path(entry.path).rglob("*")]
                left = now - max(part.lstat().st_mtime for part in parts) > SILENCE
            if left:
                _remove(Path(entry.path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _reach_disk(path: Path) -> None:
    """Wait until a file's content is on the disk: a machine that is lost after the renaming must not leave an empty file of the final name."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
