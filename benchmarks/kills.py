"""``python -m benchmarks.kills FOLDER``: kill every verb that writes while it runs, run it again, and compare with a run that was left alone.

FOLDER keeps a tiny study, which is made first, and ``kills.jsonl``, one line per kill: a campaign that was stopped goes on. Verbs run in
children of a process that has imported everything, so that a kill costs a second or two. A third of the kills comes at any time; a third just
before or after a file gets its name; and a third in the writing, for which the verb runs in steps of a tenth of a millisecond.
"""

import argparse
import contextlib
import json
import os
import pkgutil
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
from rerun.chunk import RrdReader

import bkind3d
from bkind3d.cli import main as run_cli
from bkind3d.config import InputError
from bkind3d.study.opening import load_study
from tests.unit.archives.human36m_files import write_archive
from tests.workflow.conftest import ROOT, make_environment
from tests.workflow.tiny_study import make_cameras, make_motion, write_study, write_video

MODES = ("any time", "naming", "writing")
#: What a training keeps beside its results: logs, which tell of every run, and who holds its folder.
LOGS = {"training.log", "tensorboard", "lock"}
#: Seconds that a stopped verb is let go on at a time, and after which a verb that does not end is taken to hang.
STEP, PATIENCE = 1e-4, 60


@dataclass(frozen=True)
class Writer:
    """A verb as the workflow calls it, and the files and folders that it makes, relative to the study."""

    arguments: str
    outputs: tuple[str, ...]


SURVEYS = " ".join(f"cam{n}=results/survey/s1/cam{n}.parquet" for n in (1, 2, 3))
FRAMES = [f"results/frames/small/s1/cam{n}.parquet" for n in (1, 2, 3)]
TRAINED = "results/experiments/tiny/training"
EXPORTED = ("anipose", "deeplabcut", "keypoint-moseq", "movement", "nwb", "rerun", "sleap", "tidy")
WRITERS = {
    "survey": Writer(
        "survey-video recordings/s1/cam1.mp4 --config results/config/survey.json --output results/survey/s1/cam1.parquet",
        ("results/survey/s1/cam1.parquet",),
    ),
    "locate": Writer(
        f"locate-subject --config results/config/location.json --calibration results/calibration/ring.toml --surveys {SURVEYS} "
        "--output results/location/s1.parquet",
        ("results/location/s1.parquet",),
    ),
    "extract": Writer(
        "extract-frames recordings/s1/cam1.mp4 --config results/config/framesets/small.json --camera cam1 "
        "--calibration results/calibration/ring.toml --survey results/survey/s1/cam1.parquet --location results/location/s1.parquet "
        f"--output {FRAMES[0]}",
        (FRAMES[0],),
    ),
    "train": Writer(
        f"train-model --config results/config/training/tiny.json --frames s1={','.join(FRAMES)} --store results/models --device cpu "
        f"--output {TRAINED}/model.pt --untrained {TRAINED}/untrained.pt --history {TRAINED}/history.parquet --edges {TRAINED}/edges.parquet",
        ("results/models", TRAINED),
    ),
    "predict": Writer(
        f"predict-keypoints --config results/config/prediction/tiny.json --model {TRAINED}/model.pt --frames {' '.join(FRAMES)} --device cpu "
        "--output results/experiments/tiny/keypoints/s1.parquet",
        ("results/experiments/tiny/keypoints/s1.parquet",),
    ),
    "export": Writer(f"export {' '.join(EXPORTED)} --sessions s1", tuple(f"results/exports/tiny/{form}" for form in EXPORTED)),
    "report": Writer("write-report --output results/report.html", ("results/report.html",)),
    "pages": Writer("write-report --session s1 --output results/sessions/s1.html", ("results/sessions/s1.html",)),
    "overlays": Writer(
        "draw-overlays --experiment tiny --session s1 --output results/videos/tiny/s1.mp4",
        ("results/videos/tiny/s1.mp4",),
    ),
    "import": Writer(
        "import-joints recordings/s1_joints.parquet --units mm --output results/joints/s1.parquet",
        ("results/joints/s1.parquet",),
    ),
    "import-h36m": Writer("import-h36m archive --output imported", ("imported",)),
    "add-session": Writer("add-session . more", ("config/sessions.tsv", "config/cameras.tsv")),
}


def make_study(folder: Path) -> Path:
    """A tiny study with all results, an archive to import and recordings to add."""
    study = folder / "study"
    if not (study / "results/report.html").exists():
        write_study(study)
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(study), "--cores", "1"]
        subprocess.run(command, env=make_environment(), check=True)
    if not (study / "more").exists():
        write_archive(study / "archive")
        for camera in make_cameras(3):
            write_video(study / "more/s3" / f"{camera.name}.mp4", camera, make_motion(24, 2)[0], 2)
    return study


class Bench:
    """One verb in a copy of the study, which is made anew for every kill.

    Attributes
    ----------
    reference : the study as it is after the verb.
    before : the study as it is before.
    seconds, n_named : of the verb when it is left alone, and the files that it gives their names.
    """

    def __init__(self, name: str, study: Path, folder: Path) -> None:
        self.name, self.writer = name, WRITERS[name]
        self.before, self.reference, self.work = (folder / f"{name}.{part}" for part in ("before", "reference", "work"))
        for path in (self.before, self.reference):
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(study, path, ignore=shutil.ignore_patterns(".snakemake", "logs", "benchmarks"))
        if name != "add-session":
            for path in (self.before / output for output in self.writer.outputs):
                remove(path)
        self.restore()
        began = time.monotonic()
        reading, writing = os.pipe()
        code = wait(
            self.start(lambda: sys.addaudithook(lambda event, _: os.write(writing, b"x") and None if event == "os.rename" else None))
        )
        self.seconds = time.monotonic() - began
        os.close(writing)
        self.n_named = len(os.read(reading, 65536))
        os.close(reading)
        if code:
            raise RuntimeError(f"{name} ends with exit code {code} when it is left alone")
        shutil.rmtree(self.reference)
        self.work.rename(self.reference)

    def restore(self) -> None:
        """Put the study back to what it was before the verb."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.before, self.work)

    def start(self, prepare: Callable[[], object] = lambda: None) -> int:
        """Start the verb in a child, whose number is given; what it says goes to ``said.txt`` beside the study."""
        sys.stdout.flush()
        if child := os.fork():
            return child
        code = 1
        try:
            os.chdir(self.work)
            said = os.open(self.work.with_name("said.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(said, 1), os.dup2(said, 2)
            sys.stdout = sys.stderr = os.fdopen(said, "w", buffering=1)  # whoever started this may have put others in their places
            prepare()
            code = run_cli(self.writer.arguments.split())
        except BaseException:  # a child never goes on with what its parent does
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def list_made(self) -> list[Path]:
        """Files that the verb makes, relative to the study."""
        return [path for path in list_files(self.reference) if any(path.is_relative_to(output) for output in self.writer.outputs)]

    def check_killed(self) -> list[str]:
        """What is wrong after a kill: a file that is neither missing nor whole; a study that cannot be read or has half a session."""
        if self.name == "add-session":
            try:
                study = load_study(folder=self.work)
            except InputError as error:
                return [f"refused: {error}"]
            return [] if ("s3" in study.sessions) == ("s3" in study.cameras) else ["half a session"]
        paths = [path for path in self.list_made() if (self.work / path).exists()]
        return [
            f"half-written: {path}" for path in paths if "models" not in path.parts and not is_same(self.work / path, self.reference / path)
        ]

    def check_repeated(self) -> list[str]:
        """What is wrong after the verb ran again: other bytes, or files more or less than when it was left alone."""
        there, wanted = set(list_files(self.work)), set(list_files(self.reference))
        different = [path for path in there & wanted if not is_same(self.work / path, self.reference / path)]
        wrong = (("left over", there - wanted), ("missing", wanted - there), ("other bytes", different))
        return [f"{what}: {path}" for what, paths in wrong for path in sorted(paths)]


def list_files(folder: Path) -> list[Path]:
    """Files below a folder that are no logs, relative to it."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return [path for path in paths if not LOGS & set(path.parts)]


def is_same(path: Path, other: Path) -> bool:
    """Whether files have the same bytes, or the same content where they say when they were made: pages, a training's history, three exports."""
    read: Callable[[Path], object] = Path.read_bytes
    if path.suffix in READERS and (path.suffix == ".html" or "exports" in path.parts):
        read = READERS[path.suffix]
    elif path.name == "history.parquet":
        read = read_history
    return bool(read(path) == read(other))


def read_page(path: Path) -> bytes:
    """A page without the minute in its footer."""
    return re.sub(rb"on \d{4}-\d\d-\d\d \d\d:\d\d\.", b"", path.read_bytes())


def read_history(path: Path) -> list[dict[str, object]]:
    """Losses, without the seconds that they took."""
    return pq.read_table(path, use_threads=False).drop_columns("seconds").to_pylist()


def read_hdf(path: Path) -> dict[str, bytes]:
    """All data sets, without those that say when the file was made; empty where it cannot be read."""
    found: dict[str, bytes] = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and "date" not in name and name != "file_create_date":
            found[name] = repr(item[()]).encode() if item.dtype.hasobject else np.asarray(item[()]).tobytes()

    with contextlib.suppress(OSError, RuntimeError), h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def read_rerun(path: Path) -> dict[str, list[object]]:
    """What rerun's own reader finds, without numbers and times of the writing."""
    found: dict[str, list[object]] = {}
    for chunk in RrdReader(str(path)).stream():
        batch = chunk.to_record_batch()
        for name in batch.schema.names:
            if not name.endswith(("RowId", "start_time")):
                found.setdefault(f"{chunk.entity_path} {name}", []).extend(batch.column(name).to_pylist())
    return found


READERS = {".html": read_page, ".h5": read_hdf, ".nwb": read_hdf, ".rrd": read_rerun}


def remove(path: Path) -> None:
    """Remove a file or folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def wait(child: int) -> int:
    """The exit code of a child, negative the signal that ended it; RuntimeError where it hangs."""
    deadline = time.monotonic() + PATIENCE
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError(f"hangs: child {child}")
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(ended[1])


def kill_any_time(bench: Bench, chance: random.Random) -> int:
    """Start the verb and kill it after some time."""
    child = bench.start()
    time.sleep(chance.uniform(0, bench.seconds))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return wait(child)


def kill_naming(bench: Bench, chance: random.Random) -> int:
    """Let the verb kill itself just before or after it gives a file its name."""
    number, after = chance.randrange(bench.n_named), chance.random() < 0.5
    seen = 0

    def look(event: str, _: object) -> None:
        nonlocal seen
        if event == "os.kill":
            return
        if (seen > number and after) or (event == "os.rename" and seen == number and not after):
            os.kill(os.getpid(), signal.SIGKILL)
        seen += event == "os.rename"

    return wait(bench.start(lambda: sys.addaudithook(look)))


def kill_writing(bench: Bench, chance: random.Random) -> int:
    """Run the verb in short steps, and kill it when one of its files, still under its private name, has some of its bytes."""
    target = chance.choice(bench.list_made())
    size = chance.random() * (bench.reference / target).stat().st_size
    child = bench.start()
    place = next((Path(output) for output in bench.writer.outputs if output == "imported"), target)
    private = bench.work / place.with_name(f".{place.stem}.{os.uname().nodename}.{child}{place.suffix}")
    growing = private / target.relative_to(place) if place != target else private
    deadline = time.monotonic() + PATIENCE
    with contextlib.suppress(ProcessLookupError):
        while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) and time.monotonic() < deadline:
            os.kill(child, signal.SIGSTOP)
            with contextlib.suppress(OSError):
                if growing.stat().st_size >= size or (size < 1 and growing.exists()):
                    os.kill(child, signal.SIGKILL)
                    break
            os.kill(child, signal.SIGCONT)
            time.sleep(STEP)
        os.kill(child, signal.SIGCONT)
    return wait(child)


KILLERS = dict(zip(MODES, (kill_any_time, kill_naming, kill_writing), strict=True))


def disturb(bench: Bench, mode: str, number: int) -> dict[str, object]:
    """Kill the verb once, run it again, and say what was found."""
    for attempt in range(20):
        chance = random.Random(f"{bench.name} {mode} {number} {attempt}")
        bench.restore()
        code = KILLERS[mode](bench, chance)
        if code == -signal.SIGKILL:
            break
        if code:
            return {"wrong": [f"ends with exit code {code} before it is killed"], "left": 0}
    else:
        return {"missed": True}
    left = [path for path in set(list_files(bench.work)) - set(list_files(bench.before)) if any(part[0] == "." for part in path.parts)]
    wrong = bench.check_killed()
    code = wait(bench.start())
    said = bench.work.with_name("said.txt").read_text()
    if code and not (bench.name == "add-session" and "is already in row" in said):
        wrong.append(f"run again, it ends with exit code {code}: {said.splitlines()[-1:]}")
    return {"wrong": wrong + bench.check_repeated(), "left": len(left)}


def run_campaign(folder: Path, kills: int, names: list[str]) -> Iterator[dict[str, object]]:
    """All kills that the folder does not know of yet, at least `kills` per verb; also gives those it knows."""
    study, log = make_study(folder), folder / "kills.jsonl"
    known = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    yield from known
    for name in names:
        done = {(entry["mode"], entry["number"]) for entry in known if entry["verb"] == name}
        waiting = [(mode, number) for number in range(-(-kills // 3)) for mode in MODES if (mode, number) not in done]
        bench = Bench(name, study, folder) if waiting else None
        for mode, number in waiting:
            assert bench is not None
            entry = {"verb": name, "mode": mode, "number": number, **disturb(bench, mode, number)}
            with log.open("a") as file:
                file.write(json.dumps(entry) + "\n")
            yield entry


def import_verbs() -> None:
    """Import what verbs import when they run, so that children need not."""
    for module in pkgutil.walk_packages(bkind3d.__path__, "bkind3d."):
        if not re.match(r"bkind3d\.(__main__|simulation)", module.name):
            import_module(module.name)


def main() -> None:
    """Print one row per verb."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=18, help="per verb")
    parser.add_argument("--verbs", nargs="+", choices=WRITERS, default=list(WRITERS))
    arguments = parser.parse_args()
    import_verbs()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    entries = list(run_campaign(arguments.folder.resolve(), arguments.kills, arguments.verbs))
    print("| verb | " + " | ".join(MODES) + " | left something for the next run | wrong |\n|---|---|---|---|---|---|")
    for name in (*WRITERS, "all"):
        mine = [entry for entry in entries if name in (entry["verb"], "all") and not entry.get("missed")]
        counts = [sum(entry["mode"] == mode for entry in mine) for mode in MODES]
        print(
            f"| {name} | {' | '.join(map(str, counts))} | {sum(entry['left'] > 0 for entry in mine)} | {sum(bool(entry['wrong']) for entry in mine)} |"
        )
    for entry in entries:
        if entry.get("wrong") or entry.get("missed"):
            print(entry)


if __name__ == "__main__":
    main()
