"""The judge: its studies hold subjects for tuning and sealed ones, and its tables say what was measured."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.judge import METHODS, Entry, Errors, make_experiment, make_table, measure_floors, note_look, read_errors, write_study
from bkind3d.checkpoint import Provenance, save_model
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.parquet import TABLES, read_table, write_table
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.study.layout import Layout
from bkind3d.study.opening import load_study
from tests.unit.training.experiments import make_small_experiment
from tests.workflow.tiny_study import write_study as write_tiny_study

RNG = np.random.default_rng(0)


@pytest.fixture
def recordings(tmp_path) -> Path:
    """What a scene gives: a study of subjects for tuning, the last of which tests, and one of sealed ones."""
    write_tiny_study(tmp_path / "scene/tuning", cameras=2, frames=2, sessions="train test")
    write_tiny_study(tmp_path / "scene/sealed", cameras=2, frames=2, sessions="test test")
    for part in ("tuning", "sealed"):
        for path in (tmp_path / "scene" / part / "config").glob("*.tsv"):
            text = path.read_text().replace("s1\t", f"{part}1\t").replace("s2\t", f"{part}2\t")
            path.write_text(text.replace("ring\t", f"{part}_ring\t").replace("animal", f"{part}_animal"))
        sheets = {"cameras": ("video",), "rigs": ("calibration",), "sessions": ("joints", "behaviours")}
        for name, columns in sheets.items():
            path = tmp_path / "scene" / part / f"config/{name}.tsv"
            table = pd.read_csv(path, sep="\t", dtype=str)
            table.assign(**{column: "recordings/" + table[column] for column in columns}).to_csv(path, sep="\t", index=False)
    return tmp_path / "scene"


def test_a_study_trains_on_subjects_for_tuning_and_tests_on_sealed_ones(tmp_path, recordings) -> None:
    folder = tmp_path / "judged/study"
    write_study(folder, recordings, {"one": make_experiment(METHODS["bkind3d"], {"budget_tflop": 1.0})}, {"location": {"side": 120}})
    write_study(folder, recordings, {"two": make_experiment(METHODS["taught"], {"budget_tflop": 1.0})}, {"location": {"side": 120}})
    study = load_study(yaml.safe_load((folder / "config/config.yaml").read_text()), folder)
    assert {name: row.split for name, row in study.sessions.items()} == {"tuning1": "train", "sealed1": "test", "sealed2": "test"}
    assert list(study.cameras) == list(study.sessions)
    assert [study.sessions[name].rig for name in study.sessions] == ["tuning_ring", "sealed_ring", "sealed_ring"]
    assert study.config.location.side == 120
    assert list(study.config.experiments) == ["one", "two"]
    for name in study.sessions:
        assert all((folder / path).exists() for camera in study.cameras[name] for path in study.find_videos(name, camera))
        assert (folder / study.find_path(study.sessions[name].joints)).exists()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_settings(name: str) -> None:
    config = parse_section(ExperimentConfig, make_experiment(METHODS[name], {"budget_tflop": 50}), name)
    assert config.training.budget_tflop == 50
    assert not config.actions.enabled


INDEX = pd.MultiIndex.from_tuples(
    [(name, frame, frame / 10) for name in ("sealed1", "sealed2") for frame in range(100)], names=["session", "frame", "time_s"]
)


def write_results(results: Layout, experiment: str, values: dict[str, np.ndarray]) -> None:
    """Errors of every method at two sealed sessions of ten seconds, and a model that says what it took."""
    frames = INDEX.to_frame(index=False).assign(behaviour="")
    tables = [frames.assign(method=name, pa_mpjpe=column) for name, column in values.items()]
    table = pd.concat(tables).assign(subject="")
    write_table(table.dropna(subset="pa_mpjpe").reindex(columns=list(TABLES["errors"])), "errors", results.errors(experiment))
    model = DiscoveryModel(make_small_experiment(1).model)
    save_model(model, Provenance("0", 40, "mm", 0, tflop_per_step=0.5), results.model(experiment))


def test_the_table_has_seeds_together_and_paired_differences(tmp_path) -> None:
    results = Layout(tmp_path / "results")
    hard = np.repeat(RNG.normal(10, 3, 20), 10)  # some seconds are harder than others, for everybody
    noise = [RNG.normal(0, 0.1, 200) for _ in range(4)]
    floors = pd.DataFrame({"mean_pose": hard + 3, "oracle_4": hard - 6, "oracle_8": hard - 7}, index=INDEX)
    for seed in (0, 1):
        write_results(results, f"ours-{seed}", {"bkind3d": hard - 3 + seed + noise[seed], "untrained": hard + noise[2], "mean_pose": hard})
    write_results(results, "taught-0", {"taught": hard - 4 + noise[3], "untrained": hard + 1, "oracle_4": hard})
    entries = [Entry("bkind3d", results, ["ours-0", "ours-1"]), Entry("taught", results, ["taught-0"])]
    errors = read_errors(entries, floors)
    assert len(errors.table) == 200
    table = make_table("rat", errors, entries).set_index("what")
    assert list(table.index) == ["bkind3d", "taught", "mean_pose", "oracle_4", "oracle_8"]
    assert table.loc["bkind3d", ["seeds", "TFLOP"]].tolist() == [2, "20"]

    def read(cell: str) -> list[float]:
        return [float(number) for number in cell.replace("[", "").replace("]", "").replace(",", "").split()]

    mean, low, high = read(table.loc["bkind3d", "PA-MPJPE mm"])
    assert mean == pytest.approx(hard.mean() - 2.5, abs=0.05)
    assert high - low > 1  # seconds differ
    for row, column, expected in (
        ("taught", "minus bkind3d", -1.5),
        ("bkind3d", "minus mean_pose", -5.5),
        ("bkind3d", "minus its untrained", -2.5),
        ("taught", "minus its untrained", -5),
    ):
        mean, low, high = read(table.loc[row, column])
        assert mean == pytest.approx(expected, abs=0.05)
        assert low <= mean <= high and high - low < 0.2  # the pairs do not
    assert table.loc["bkind3d", "minus bkind3d"] == ""
    assert float(table.loc["bkind3d", "% to 8 joints"]) == pytest.approx(55, abs=1)


def test_a_frame_without_an_answer_counts_as_the_mean_pose(tmp_path) -> None:
    results = Layout(tmp_path / "results")
    known = np.where(np.arange(200) < 50, np.nan, 2.0)
    write_results(results, "a", {"bkind3d": np.full(200, 2.0), "untrained": np.full(200, 3.0)})
    write_results(results, "b", {"bkind3d": known, "untrained": known})
    floors = pd.DataFrame({"mean_pose": np.full(200, 10.0)}, index=INDEX)
    errors = read_errors([Entry("a", results, ["a"]), Entry("b", results, ["b"])], floors)
    assert errors.missing == {"a": 0.0, "b": 0.25}
    assert errors.table.mean().to_dict() == pytest.approx({"mean_pose": 10, "a": 2, "a untrained": 3, "b": 4, "b untrained": 4})


def test_floors_are_measured_in_all_frames(tmp_path) -> None:
    folder = write_tiny_study(tmp_path / "study", cameras=2, frames=20, sessions="train test")
    results = Layout(folder / "results")
    for name in ("s1", "s2"):
        joints = read_table(folder / f"recordings/{name}_joints.parquet", "joints")
        write_table(joints, "joints", results.joints(name), {"units": "mm"})
        location = pd.DataFrame({"frame": range(20), "time_s": np.arange(20) / 10, "x": np.nan, "y": np.nan, "z": np.nan, "n_views": 0})
        write_table(location.assign(residual=np.nan, valid=False), "location", results.location(name))
    floors = measure_floors(results)
    assert floors.index.tolist() == [("s2", frame, frame / 10) for frame in range(20)]
    assert list(floors.columns) == ["mean_pose"]  # four balls are too few for an oracle
    assert (floors["mean_pose"] > 1).all()


def test_every_look_is_noted(tmp_path) -> None:
    table = pd.DataFrame({"scene": ["rat", "rat"], "what": ["a", "b"], "PA-MPJPE mm": ["1.00 [0.90, 1.10]", "2.00 [1.90, 2.10]"]})
    for _ in range(2):
        note_look("judge", table, "PA-MPJPE mm", tmp_path / "looks.tsv")
    looks = pd.read_csv(tmp_path / "looks.tsv", sep="\t")
    assert list(looks.columns) == ["date", "commit", "what", "scene", "result"]
    assert looks["what"].tolist() == ["judge: a", "judge: b"] * 2
    assert looks["result"][3] == "2.00 [1.90, 2.10]"


def test_intervals_are_of_the_difference_of_the_same_resamples() -> None:
    index = pd.MultiIndex.from_tuples([("s", n, n / 10) for n in range(100)], names=["session", "frame", "time_s"])
    values = RNG.normal(5, 1, 100)
    errors = Errors(pd.DataFrame({"a": values, "b": values + 1}, index=index), {"a": 0.0, "b": 0.0})
    assert errors.describe("b", "a") == "1.00 [1.00, 1.00]"
