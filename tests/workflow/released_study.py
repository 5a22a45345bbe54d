"""Make ``tests/data/released_study`` anew: a tiny study as this version makes it, which later versions have to open.

`python -m tests.workflow.released_study`, when a version is released (CONTRIBUTING.md).
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.workflow.conftest import ROOT, run_snakemake
from tests.workflow.tiny_study import write_study

FOLDER = ROOT / "tests/data/released_study"
#: What is kept of the results: what people and their scripts read, and what exports and trained models need.
KEPT = ("config", "calibration", "survey", "joints", "location", "cube.json", "experiments", "tables")


def main() -> None:
    """Compute the study in a folder of its own, and keep what is small."""
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(Path(folder) / "study", cameras=2, frames=20, behaviours=False)
        keypoints = [f"results/experiments/tiny/keypoints/s{number}.parquet" for number in (1, 2)]
        done = run_snakemake(study, "results/tables/pose.csv", *keypoints)
        if done.returncode:
            sys.exit(done.stderr)
        shutil.rmtree(FOLDER, ignore_errors=True)
        for name in ("config", "recordings"):
            shutil.copytree(study / name, FOLDER / name)
        for name in KEPT:
            source, target = study / "results" / name, FOLDER / "results" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("untrained*", "preview*", "*.log"))
            elif source.exists():
                shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
