"""``make gpu-bundle``: a folder with which a machine with a GPU measures itself (:mod:`benchmarks.gpu`), without a network.

It holds frames and joints of two sessions of a study and its model, this package, and the wheels that a machine with :data:`THERE` lacks. They are those
of this machine's Python and kind of processor, as few of them are not pure Python.
"""

import argparse
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from bkind3d.config import InputError
from bkind3d.study.opening import load_study

ROOT = Path(__file__).parents[1]

#: Most bytes of the folder.
MOST = 40e6

#: Packages that the machine has, with all that they need; and those that trainings and predictions need beside them.
THERE = ("torch", "lightning", "numpy", "pandas", "pyarrow", "opencv-contrib-python", "scikit-learn")
NEEDED = ("jaxtyping", "pydantic", "safetensors", "transformers")
#: What fetches weights, which nobody does there.
LEFT_OUT = ("hf-xet",)

#: Modules of the benchmarks that measure.
MODULES = ("__init__", "gpu", "limits", "operations")

RUN = """\
#!/bin/sh
# Measures this machine's GPU within eight minutes; writes gpu.json here.
cd "$(dirname "$0")" || exit 1
python3 -m pip install --quiet --no-index --no-deps --target packages wheels/*.whl
PYTHONPATH=".:packages" python3 -m benchmarks.gpu . "$@"
"""


def list_needs(names: tuple[str, ...]) -> set[str]:
    """Names of packages and of all that they need here, extras left out."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        needs = [Requirement(text) for text in metadata.requires(name) or []]
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def write_bundle(study_folder: Path, folder: Path) -> float:
    """Write the folder, and give its size in bytes.

    Raises
    ------
    InputError : where the study has no frames or no model yet, or the folder would be too large.
    """
    study = load_study(folder=study_folder)
    name = next(iter(study.config.experiments))
    learned = study.list_sessions("train", joints=True)
    sessions = [*learned[:1], *[session for session in study.list_sessions("test", joints=True) if session not in learned][:1]]
    files = {study.results.model(name): folder / "model.pt"}
    for number, session in enumerate(sessions):
        to = f"{number}_{session}"
        files |= {path: folder / "frames" / to / path.name for path in study.find_frames(name, session).values()}
        files[study.results.joints(session)] = folder / "joints" / f"{to}.parquet"
    files |= {ROOT / "benchmarks" / f"{module}.py": folder / "benchmarks" / f"{module}.py" for module in MODULES}
    shutil.rmtree(folder, ignore_errors=True)
    for source, target in files.items():
        if not source.exists():
            raise InputError(source, "is not there", "run the study first")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.copytree(ROOT / "bkind3d", folder / "bkind3d", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "run").write_text(RUN)
    (folder / "run").chmod(0o755)
    wheels = sorted(f"{need}=={metadata.version(need)}" for need in list_needs(NEEDED) - list_needs(THERE) - {*LEFT_OUT})
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder / "wheels")]
    subprocess.run([*command, *wheels], check=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MOST:
        raise InputError(folder, f"holds {size / 1e6:.0f} MB", f"at most {MOST / 1e6:.0f}; take a study with smaller frames")
    return size


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_bundle", description=__doc__)
    parser.add_argument(
        "study", type=Path, nargs="?", default=ROOT, help="with frames, joints and a model; the clone's own, which is the demo"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "gpu")
    options = parser.parse_args()
    try:
        size = write_bundle(options.study, options.output)
    except InputError as error:
        sys.exit(f"benchmarks.gpu_bundle: {error}")
    print(f"{options.output}: {size / 1e6:.1f} MB; copy it to the machine and call its `run`")


if __name__ == "__main__":
    main()
