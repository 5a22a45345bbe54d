"""``python -m benchmarks.hostile``: what every reader makes of files that are broken by chance, or by somebody who knows the format.

Files are fuzzed, truncated, flipped in one bit, oversized (numbers, lengths, the file itself) and nested. Each is read in a process of its
own and is either refused in one line (exit code 2 of the command line), or gives the same as the good file; formats without checksums may
also give something else. A campaign (``--folder``) goes on with the case after its last one, and keeps every file that does harm.
"""

import argparse
import faulthandler
import json
import logging
import multiprocessing
import os
import random
import re
import resource
import signal
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import BaseModel

from benchmarks.readers import READERS, Reader
from bkind3d.config import InputError

KINDS = ("fuzzed", "truncated", "flipped", "oversized", "nested")
#: What may come of a file; the last four never.
GOOD, BAD = ("refused", "same", "changed"), ("silent", "traceback", "hang", "crash")
#: Seconds of a processor that a reading may take, seconds that a busy machine may take for these, and gigabytes that it may ask for.
PATIENCE, LONGEST, GIGABYTES = 10.0, 100.0, 8
#: Numbers that were never measured, as text and as bytes.
NUMBERS = [
    b"9" * 400,
    b"9" * 6000,
    b"1e300",
    b"-1e300",
    b"1e999",
    b"nan",
    b"-1",
    b"9000000000000",
    b"0x7fffffff",
    b"4294967296",
    b"1" + b"0" * 18,
]
BYTES = [b"\xff" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00" * 8, b"\x80" * 4]


@dataclass
class Campaign:
    """What came of the files of a reader: cases by kind and outcome, the next case, and seconds."""

    next: int = 0
    seconds: float = 0.0
    found: dict[str, dict[str, int]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    harmful: list[str] = field(default_factory=list)

    def count(self, *outcomes: str) -> int:
        return sum(number for kind in self.found.values() for outcome, number in kind.items() if outcome in outcomes)


def break_file(data: bytes, kind: str, rng: random.Random, opening: bytes) -> bytes:
    """A file that is broken in the way of its `kind`."""
    if kind == "truncated":
        return data[: rng.randrange(len(data))]
    if kind == "flipped":
        place = rng.randrange(len(data))
        return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
    if kind == "oversized":
        return _enlarge(data, rng)
    if kind == "nested":
        depth, place = rng.choice([2, 40, 1000, 30_000, 300_000]), rng.randrange(len(data) + 1)
        part = opening or data[place : place + rng.randrange(1, 200)]
        if rng.random() < 0.3:
            place = 0
        return data[:place] + part * min(depth, 5_000_000 // max(len(part), 1)) + data[place:]
    for _ in range(rng.randrange(1, 12)):
        place, length = rng.randrange(len(data) + 1), int(2 ** rng.uniform(0, 8))
        part = [
            rng.randbytes(length), b"", data[rng.randrange(len(data) + 1) :][:length], rng.choice(NUMBERS[2:] + BYTES),
            bytes([rng.choice(b"\0\n\t\"'{}[]<>&*:;,=+-@#%")]),
        ][rng.randrange(5)]  # fmt: skip
        data = data[:place] + part + data[place + rng.choice([0, length]) :]
    return data or b"\0"


def _enlarge(data: bytes, rng: random.Random) -> bytes:
    choice = rng.random()
    numbers = list(re.finditer(rb"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", data))
    if choice < 0.6 and numbers:
        found = rng.choice(numbers)
        return data[: found.start()] + rng.choice(NUMBERS) + data[found.end() :]
    if choice < 0.9:
        place, part = rng.randrange(len(data)), rng.choice(BYTES)
        return data[:place] + part + data[place + len(part) :]
    place, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:place] + data[place:end] * rng.choice([10, 1000, 100_000][: 3 if end - place < 200 else 1]) + data[end:]


def digest(value: Any) -> Any:
    """What a file says, as something that can be compared."""
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, pd.DataFrame):
        value = {name: column.tolist() for name, column in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, zlib.crc32(np.ascontiguousarray(value).tobytes())
    if isinstance(value, Mapping):
        return [(str(key), digest(entry)) for key, entry in value.items()]
    if isinstance(value, list | tuple | np.ndarray):
        return [digest(entry) for entry in value]
    return value.model_dump_json() if isinstance(value, BaseModel) else repr(value)


def read_one(reader: Reader, path: Path, good: Any) -> str:
    """Read a file, and say what came of it."""
    try:
        found = digest(reader.read(path))
    except InputError as error:
        return "refused" if str(error).isprintable() and len(str(error)) < 2000 else f"traceback: not one line: {str(error)[:80]!r}"
    except BaseException as error:
        return f"traceback: {type(error).__name__}: {error}"[:300]
    if found == good:
        return "same"
    return "silent" if reader.checked else "changed"


def _work(reader: Reader, good: Any, files: list[Path], answers: Connection) -> None:
    """Read files one after the other in a process that may come to harm; libraries' own complaints go nowhere."""
    os.setsid()
    faulthandler.disable()
    logging.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    inherited = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (inherited + GIGABYTES * 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path in files:
        answers.send(read_one(reader, path, good))


def _wait(answers: Connection, process: int | None) -> bool:
    """Wait for an answer, as long as the process may take for it."""

    def measure() -> float:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    used, begin = measure(), time.monotonic()
    while not answers.poll(PATIENCE / 2):
        if measure() - used > PATIENCE or time.monotonic() - begin > LONGEST:
            return False
    return True


def read_all(reader: Reader, good: Any, files: list[Path]) -> Iterator[str]:
    """What came of each file, in order; a process that hangs or crashes is ended, and another goes on with the next file."""
    context = multiprocessing.get_context("fork")
    done = 0
    while done < len(files):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(reader, good, files[done:], theirs))
        process.start()
        theirs.close()
        with ours:
            while done < len(files):
                try:
                    outcome = ours.recv() if _wait(ours, process.pid) else "hang"
                except EOFError:
                    outcome = "crash"
                done += 1
                yield outcome
                if outcome in ("hang", "crash"):
                    break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def run(reader: Reader, campaign: Campaign, n_cases: int, keep: Path | None = None) -> None:
    """Go on with a campaign: `n_cases` further files of a reader, of all kinds in turn; those that do harm are kept."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / f"good{reader.ending}"
        reader.write(first)
        data, good = first.read_bytes(), digest(reader.read(first))
        numbers = range(campaign.next, campaign.next + n_cases)
        files = [Path(folder) / f"{number}{reader.ending}" for number in numbers]
        for number, path in zip(numbers, files, strict=True):
            rng = random.Random(f"{reader.name} {number}")
            path.write_bytes(break_file(data, KINDS[number % len(KINDS)], rng, reader.opening))
        for number, path, outcome in zip(numbers, files, read_all(reader, good, files), strict=True):
            kind, word = KINDS[number % len(KINDS)], outcome.partition(":")[0]
            campaign.found[kind][word] = campaign.found[kind].get(word, 0) + 1
            if word in BAD:
                campaign.harmful.append(f"{kind} {number}: {outcome}")
                if keep:
                    path.rename(keep / f"{reader.name.replace(' ', '_')}.{number}{reader.ending}")
    campaign.next += n_cases
    campaign.seconds += time.monotonic() - begin


def make_table(campaigns: Mapping[str, Campaign]) -> pd.DataFrame:
    """A row per reader: cases of each kind that were refused, gave the same, or something else, and how many did harm."""
    rows = []
    for name, campaign in campaigns.items():
        shown = {
            kind: "/".join(str(campaign.found[kind].get(outcome, 0)) for outcome in GOOD) + "".join(
                f" {outcome} {number}" for outcome, number in campaign.found[kind].items() if outcome in BAD
            )
            for kind in KINDS
        }  # fmt: skip
        checked = "yes" if READERS[name].checked else "none"
        rows.append({"reader": name, "checksums": checked, "cases": campaign.next, **shown, "harm": campaign.count(*BAD)})
    return pd.DataFrame(rows)


def main() -> None:
    """Run cases, and print what came of all that were run so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS), metavar="READER", help="all without it")
    parser.add_argument("--cases", type=int, default=100, help="files of each reader")
    parser.add_argument("--minutes", type=float, default=0.0, help="go on with further cases for so long")
    parser.add_argument("--folder", type=Path, help="of the campaign: where it was, and files that did harm")
    arguments = parser.parse_args()
    campaigns = {name: Campaign() for name in arguments.readers}
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        state = arguments.folder / "campaign.json"
        if state.exists():
            campaigns |= {name: Campaign(**values) for name, values in json.loads(state.read_text()).items()}
    begin, rounds = time.monotonic(), 0
    while not rounds or time.monotonic() - begin < 60 * arguments.minutes:
        for name in arguments.readers:
            run(READERS[name], campaigns[name], arguments.cases, arguments.folder)
            if arguments.folder:
                state.write_text(json.dumps({key: asdict(campaign) for key, campaign in campaigns.items()}, indent=1))
        rounds += 1
    print("refused / same as the good file / something else (in formats without checksums), and what did harm")
    print(make_table(campaigns).to_markdown(index=False))
    total = Counter({outcome: sum(campaign.count(outcome) for campaign in campaigns.values()) for outcome in GOOD + BAD})
    hours = sum(campaign.seconds for campaign in campaigns.values()) / 3600
    print(f"{sum(total.values())} files in {hours:.2f} hours: " + ", ".join(f"{number} {outcome}" for outcome, number in total.items()))
    for name, campaign in campaigns.items():
        for line in campaign.harmful:
            print(f"{name}: {line}")


if __name__ == "__main__":
    main()
