"""``python -m benchmarks.faults FOLDER``: every verb that writes, where disk and limits do not let it; as root, who may mount.

A verb either does what it does elsewhere, or ends with one line and exit code 2; then nothing half-written is there. With room again, it gives
the bytes of a run that was left alone. FOLDER is that of ``benchmarks.kills``.
"""

import argparse
import ctypes
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.kills import WRITERS, Bench, import_verbs, make_study, wait

UNSHARE_MOUNTS = 0x00020000


def limit(kind: int, value: int) -> None:
    """Set a limit of this process."""
    resource.setrlimit(kind, (value, value))


def in_own_mounts(*command: str) -> None:
    """Mount or unmount something that this process alone sees."""
    if ctypes.CDLL(None, use_errno=True).unshare(UNSHARE_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    for words in (("mount", "--make-rprivate", "/"), command):
        subprocess.run(words, check=True)
    os.chdir(os.getcwd())


def fill(room: int) -> None:
    """Leave so many bytes of the disk that this process is on."""
    about = os.statvfs(".")
    with open("filling", "wb") as file:
        file.truncate(0)
        os.posix_fallocate(file.fileno(), 0, max(about.f_bavail * about.f_frsize - room, 1))


def use_inodes() -> None:
    """Leave no room for another file."""
    Path("files").mkdir()
    try:
        for number in range(10**6):
            Path(f"files/{number}").touch()
    except OSError:
        pass


def make_read_only() -> None:
    """Let nothing be written below the working directory."""
    here = os.getcwd()
    in_own_mounts("mount", "--bind", here, here)
    subprocess.run(["mount", "-o", "remount,ro,bind", here], check=True)
    os.chdir(here)


#: What is done in the verb's process before it begins.
FAULTS: dict[str, Callable[[], None]] = {
    "no room": partial(fill, 0),
    "little room": partial(fill, 12288),
    "no inodes": use_inodes,
    "files of 1 kB": partial(limit, resource.RLIMIT_FSIZE, 1000),
    "files of 20 kB": partial(limit, resource.RLIMIT_FSIZE, 20000),
    "read only": make_read_only,
    "64 open files": partial(limit, resource.RLIMIT_NOFILE, 64),
    "no /dev/shm": partial(in_own_mounts, "mount", "--bind", "/proc/sys/kernel", "/dev/shm"),
    "umask 077": lambda: os.umask(0o077) and None,
}


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """A small disk of its own at `folder`."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=2000", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def suffer(bench: Bench, prepare: Callable[[], None]) -> str:
    """What a verb does under a fault: `refused`, `done`, or what is wrong."""
    shutil.rmtree(bench.work, ignore_errors=True)
    with disk(bench.work):
        shutil.copytree(bench.before, bench.work, dirs_exist_ok=True)
        code, said = wait(bench.start(prepare)), bench.work.with_name("said.txt").read_text()
        wrong = bench.check_killed()
        for name in ("filling", "files"):
            path = bench.work / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        last = said.splitlines()[-1] if said else ""
        if code not in (0, 2) or "Traceback" in said or (code == 2 and ": error: " not in last):
            wrong.append(f"exit code {code}: {last}")
        if code:
            left = set(path for path in bench.work.rglob(".*.*.*") if path.is_file()) - set(bench.before.rglob(".*"))
            wrong += [f"left: {path}" for path in left if not (bench.before / path.relative_to(bench.work)).exists()]
            wait(bench.start())
        wrong += bench.check_repeated()
        return "; ".join(wrong) or ("refused: " + last.partition(": error: ")[2] if code else "done")


def main() -> None:
    """Print one row per verb and fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbs", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    arguments = parser.parse_args()
    import_verbs()
    study = make_study(arguments.folder.resolve())
    for name in arguments.verbs:
        bench = Bench(name, study, arguments.folder.resolve())
        for fault in arguments.faults:
            print(f"| {name} | {fault} | {suffer(bench, FAULTS[fault])} |", flush=True)


if __name__ == "__main__":
    main()
