"""The judge of the benchmarks: a study's trained experiments are applied to other subjects in other rigs, and nothing is trained."""

import pytest

from benchmarks.judge import compare, judge_study, make_table
from tests.benchmarks.scene import write_scene
from tests.workflow.conftest import run_snakemake
from tests.workflow.tiny_study import write_study


@pytest.mark.slow
def test_trained_experiments_of_a_study_are_judged_as_they_are(tmp_path) -> None:
    given = write_study(tmp_path / "given", frames=24, sessions="train")
    trained = run_snakemake(given, "results/experiments/tiny/training/model.pt")
    assert trained.returncode == 0, trained.stderr[-3000:]
    (entry,) = judge_study(given, tmp_path / "judged", write_scene(tmp_path / "scene", frames=40), "1")
    model = "results/experiments/tiny/training/model.pt"
    assert (tmp_path / "judged" / model).read_bytes() == (given / model).read_bytes()
    errors = compare([entry])
    assert set(errors.table) == {"given/tiny", "given/tiny untrained", "mean_pose"}
    assert set(errors.table.index.get_level_values("session")) == {"sealed1", "sealed2"}
    assert errors.missing["given/tiny"] < 0.5
    assert float(make_table("balls", errors, [entry]).set_index("what").loc["given/tiny", "TFLOP"]) > 0
    written = entry.results.keypoints("tiny", "sealed1").stat().st_mtime_ns
    (again,) = judge_study(given, tmp_path / "judged", tmp_path / "scene", "1")
    assert again.results.keypoints("tiny", "sealed1").stat().st_mtime_ns == written
