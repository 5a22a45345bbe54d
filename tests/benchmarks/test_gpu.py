"""The benchmark of GPUs runs on a processor, without what only other rooms need; what hangs or ends is told."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import gpu
from benchmarks.gpu_bundle import LEFT_OUT, NEEDED, THERE, list_needs
from bkind3d.checkpoint import Provenance, save_model
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.parquet import write_table
from bkind3d.methods.discovery.model import DiscoveryModel
from tests.unit.scenes import make_body, write_session

ROOT = Path(__file__).parents[2]
SMALL = {"volume_size": 8, "volume_channels": 4, "volume_levels": 1}

#: Hides the modules and packages that are named first, and then measures as in a process of the benchmark.
ELSEWHERE = """
import sys
from importlib.machinery import PathFinder
hidden = {*sys.argv.pop(1).split(",")}
class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)
    @classmethod
    def find_distributions(cls, *context):
        return [found for found in super().find_distributions(*context) if found.name not in hidden]
sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
from benchmarks import gpu
gpu.main()
"""


def write_bundle(folder: Path) -> None:
    """Two sessions, their joints, and a model, as small as they can be."""
    for session in ("a", "b"):
        write_session(folder / "frames", session, 12, gpu.N_VIEWS)
        body = make_body(12, 0)
        frames, joints = np.divmod(np.arange(body[..., 0].size), body.shape[1])
        positions = dict(zip("xyz", body.reshape(-1, 3).T, strict=True))
        table = pd.DataFrame({"frame": frames, "joint": [f"joint{number}" for number in joints], **positions})
        write_table(table, "joints", folder / "joints" / f"{session}.parquet", {"units": "mm"})
    config = parse_section(ExperimentConfig, {"preset": "demo", "frames": "f", "model": SMALL}, "test")
    provenance = Provenance("test", 0, "mm", 0, experiment=config.model_dump_json(), method=config.method)
    save_model(DiscoveryModel(config.model), provenance, folder / "model.pt")


def test_everything_runs_where_only_the_rooms_of_training_and_inference_could(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    there = list_needs(THERE) | list_needs(NEEDED) - {*LEFT_OUT} | {"bkind3d"}
    hidden = {
        part
        for module, names in metadata.packages_distributions().items()
        if not {name.replace("_", "-").replace(".", "-").lower() for name in names} & there
        for part in (module, *names)
    }
    assert {"snakemake", "mujoco", "av", "aniposelib", "tensorboard"} <= hidden
    names = ["prediction", "loading", "training", "agreement", "resume", "step discovery demo", "step metapose small"]
    options = [str(tmp_path), "--device", "cpu", "--small", "--work", ",".join(names)]
    command = [sys.executable, "-c", ELSEWHERE, ",".join(hidden), *options]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert not said.returncode, said.stderr[-2000:]
    found = dict(json.loads(line) for line in said.stdout.splitlines() if line.startswith("["))
    assert list(found) == names and not [name for name in names if "failed" in found[name]], found
    assert found["prediction"]["32"]["largest_distance_voxels"] == 0 < found["prediction"]["bf16"]["largest_distance_voxels"] < 0.1
    assert found["agreement"]["voxels"] == 0 == found["resume"]["largest_difference"]
    assert found["training"]["pa_mpjpe"] > 0 < found["step discovery demo"]["32"]["tflop_per_second"]


@pytest.mark.parametrize(
    ("first", "told"), [("import time; time.sleep(600)", "not done within"), ("raise SystemExit", "its process has ended")]
)
def test_a_measurement_that_hangs_or_ends_is_told_and_the_next_one_goes_on(first, told, monkeypatch) -> None:
    monkeypatch.setattr(gpu, "SECONDS", {"one": 0.1, "two": 60})
    monkeypatch.setattr(gpu, "BEGIN", 1)
    script = f"""import sys
if sys.argv[-1].startswith("one"):
    {first}
print('["two", {{"seconds": 1}}]')"""
    (_, one), two = gpu.gather([sys.executable, "-c", script], ["one", "two"], 120)
    assert told in one["failed"] and two == ("two", {"seconds": 1})


def test_what_no_time_is_left_for_is_told() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    assert [name for name, found in gpu.gather(command, ["machine", "loading"], 0.1) if "not done" in found["failed"]] == [
        "machine",
        "loading",
    ]


def test_shares_are_those_of_the_matrix_product_of_the_same_precision() -> None:
    results = {"machine": {"matrix_bf16": 4e12}, "step a": {"bf16": {"tflop_per_second": 1.0}, "32": {"tflop_per_second": 1.0}}}
    gpu.add_shares(results)
    assert results["step a"] == {"bf16": {"tflop_per_second": 1.0, "share": 0.25}, "32": {"tflop_per_second": 1.0}}
    assert all(name.split()[0] in gpu.SECONDS for name in gpu.list_measurements())
