"""``python -m benchmarks.fuzz READER``: files of one reader that are changed as its code is seen to answer (atheris; the extra ``fuzz``).

Every file is read as users' files are, with a process of its own where the reader has one. What does not end that process is read once more in
this one, where its code is seen. Inputs that reached something new stay in the folder, so that the next run goes on from them.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["bkind3d.calibration", "bkind3d.config", "bkind3d.study", "pymatreader", "csv", "pickle"]):
    from benchmarks.readers import READERS
    from bkind3d.calibration.formats import deepfly3d, matlab, opencv
    from bkind3d.calibration.formats.reading import read_apart
    from bkind3d.config import InputError


#: Readers that have a process of their own, and what is said where that ended.
APART, ENDED = {name for name in READERS if any(part in name for part in ("pickle", ".mat", "OpenCV"))}, "so that nothing can read it"


def read_here(read: Callable[[Path], Any], path: Path, **_: int) -> Any:
    """Read in this process, in place of :func:`bkind3d.calibration.formats.reading.read_apart`."""
    return read(path)


def main() -> None:
    """Fuzz for some minutes; a file that does harm ends it and stays in the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS, metavar="READER", help=", ".join(READERS))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, required=True, help="of the inputs, which a later run goes on from")
    arguments = parser.parse_args()
    reader = READERS[arguments.reader]
    logging.disable()
    corpus = arguments.folder / reader.name.replace(" ", "_")
    corpus.mkdir(parents=True, exist_ok=True)
    reader.write(corpus / f"good{reader.ending}")
    path = arguments.folder / f"input{reader.ending}"

    def test_one(data: bytes) -> None:
        path.write_bytes(data)
        for read in (read_apart, read_here) if reader.name in APART else (read_here,):
            for module in (deepfly3d, matlab, opencv):
                module.read_apart = read  # type: ignore[attr-defined]
            try:
                reader.read(path)
            except InputError as error:
                assert str(error).isprintable(), error
                if error.what.endswith(ENDED):
                    return

    # Signals are left to the processes that they end: what arrives here has ended none.
    options = [f"-handle_{signal}=0" for signal in ("segv", "bus", "abrt", "ill", "fpe", "xfsz")]
    options += [f"-max_total_time={60 * arguments.minutes:.0f}", "-timeout=60", "-rss_limit_mb=8000", f"-artifact_prefix={corpus}.harm."]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", "-verbosity=0", str(corpus)], test_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
