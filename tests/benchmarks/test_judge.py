"""The judge: its studies hold subjects for tuning and sealed ones, and its tables say what was measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.judge import (
    METHODS,
    PARTS,
    Entry,
    Errors,
    Plan,
    compare,
    find_candidate,
    join_errors,
    make_experiment,
    make_table,
    measure_floors,
    measure_labels,
    note_look,
    write_study,
)
from bkind3d.checkpoint import Provenance, save_model
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.parquet import read_table, write_table
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.study.layout import Layout
from bkind3d.study.opening import load_study
from tests.benchmarks.scene import write_scene
from tests.unit.training.experiments import make_small_experiment
from tests.workflow.tiny_study import write_study as write_tiny_study

RNG = np.random.default_rng(0)


def test_a_study_trains_on_subjects_for_tuning_and_tests_on_sealed_ones(tmp_path) -> None:
    recordings = write_scene(tmp_path / "scene")
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


def test_on_subjects_for_tuning_alone_those_are_tested_that_the_scene_does_not_train_on(tmp_path) -> None:
    recordings = write_scene(tmp_path / "scene")
    write_study(tmp_path / "study", recordings, {"one": make_experiment(METHODS["bkind3d"], {})}, parts=PARTS[:1])
    study = load_study(yaml.safe_load((tmp_path / "study/config/config.yaml").read_text()), tmp_path / "study")
    assert {name: row.split for name, row in study.sessions.items()} == {"tuning1": "train", "tuning2": "test"}


def test_trainings_of_a_plan_have_names_of_their_own() -> None:
    plan = Plan(7.5, seeds=(0, 3))
    assert plan.find_trainings("dannce", 30) == {
        f"dannce-7_5-30labels-{seed}": {"budget_tflop": 7.5, "labels": 30, "seed": seed} for seed in (0, 3)
    }
    assert list(plan.find_trainings("bkind3d", 0)) == ["bkind3d-7_5-0", "bkind3d-7_5-3"]
    for name, values in plan.find_trainings("dannce", 30).items():
        assert parse_section(ExperimentConfig, make_experiment(METHODS["dannce"], values), name).training.labels == 30


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_settings(name: str) -> None:
    config = parse_section(ExperimentConfig, make_experiment(METHODS[name], {"budget_tflop": 50}), name)
    assert config.training.budget_tflop == 50
    assert not config.actions.enabled


INDEX = pd.MultiIndex.from_tuples(
    [(name, frame, frame / 10) for name in ("sealed1", "sealed2") for frame in range(100)], names=["session", "frame", "time_s"]
)


def make_measured(name: str, trained: np.ndarray, untrained: np.ndarray) -> pd.DataFrame:
    """What an experiment reached, in the frames to which it has an answer."""
    return pd.DataFrame({name: trained, f"{name} untrained": untrained}, index=INDEX).dropna()


def test_the_table_has_seeds_together_and_paired_differences(tmp_path) -> None:
    results, candidate = Layout(tmp_path / "results"), find_candidate({})
    for experiment in ("ours-0", "taught-0"):
        model = DiscoveryModel(make_small_experiment(1).model)
        save_model(model, Provenance("0", 40, "mm", 0, tflop_per_step=0.5), results.model(experiment))
    entries = [Entry("bkind3d", results, ["ours-0", "ours-1"], candidate), Entry("taught", results, ["taught-0"], candidate)]
    hard = np.repeat(RNG.normal(10, 3, 20), 10)  # some seconds are harder than others, for everybody
    noise = [RNG.normal(0, 0.1, 200) for _ in range(4)]
    floors = pd.DataFrame({"mean_pose": hard + 3, "oracle_4": hard - 6, "oracle_8": hard - 7}, index=INDEX)
    ours = [make_measured("bkind3d", hard - 3 + seed + noise[seed], hard + noise[2]) for seed in (0, 1)]
    errors = join_errors({"bkind3d": ours, "taught": [make_measured("taught", hard - 4 + noise[3], hard + 1)]}, floors)
    table = make_table("rat", errors, entries).set_index("what")
    assert list(table.index) == ["bkind3d", "taught", "mean_pose", "oracle_4", "oracle_8"]
    assert table.loc["bkind3d", ["seeds", "TFLOP", "no answer %", "frames"]].tolist() == [2, "20", "0.0", 200]

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


def test_a_frame_without_an_answer_counts_as_the_mean_pose() -> None:
    known, full = np.where(np.arange(200) < 50, np.nan, 2.0), np.full(200, 2.0)
    floors = pd.DataFrame({"mean_pose": np.full(200, 10.0)}, index=INDEX)
    errors = join_errors({"a": [make_measured("a", full, full + 1)], "b": [make_measured("b", known, known)]}, floors)
    assert errors.missing == {"a": 0.0, "b": 0.25}
    assert errors.table.mean().to_dict() == pytest.approx({"mean_pose": 10, "a": 2, "a untrained": 3, "b": 4, "b untrained": 4})


@pytest.fixture
def judged(tmp_path) -> Entry:
    """A study whose keypoints are the joints, turned and scaled, and their untrained ones noise; nothing is located in five frames."""
    folder = write_tiny_study(tmp_path / "study", cameras=2, frames=60, sessions="train test")
    entry = Entry("ours", Layout(folder / "results"), ["one"], find_candidate({}))
    for name in ("s1", "s2"):
        joints = read_table(folder / f"recordings/{name}_joints.parquet", "joints")
        write_table(joints, "joints", entry.results.joints(name), {"units": "mm"})
        location = pd.DataFrame({"frame": range(60), "time_s": np.arange(60) / 10, "x": np.nan, "y": np.nan, "z": np.nan, "n_views": 0})
        write_table(location.assign(residual=np.nan, valid=False), "location", entry.results.location(name))
        keypoints = joints.rename(columns={"joint": "keypoint"}).assign(
            time_s=joints["frame"] / 10, confidence=1.0, spread=1.0, reprojection_px=0.0, x=joints["y"], y=-joints["x"]
        )
        keypoints.loc[keypoints["frame"] >= 55, ["x", "y", "z"]] = np.nan
        write_table(keypoints, "keypoints", entry.results.keypoints("one", name), {"units": "mm"})
        keypoints[["x", "y", "z"]] += RNG.normal(0, 50, (len(keypoints), 3))
        write_table(keypoints, "keypoints", entry.results.untrained_keypoints("one", name), {"units": "mm"})
    return entry


def test_an_entry_is_measured_beside_floors_in_all_frames(judged) -> None:
    floors = measure_floors(judged)
    assert floors.index.tolist() == [("s2", frame, frame / 10) for frame in range(60)]
    assert list(floors.columns) == ["mean_pose"]  # four balls are too few for an oracle
    assert (floors["mean_pose"] > 1).all()
    errors = compare([judged])
    assert errors.missing["ours"] == pytest.approx(5 / 60)
    known = errors.table.iloc[:55]
    assert known["ours"].max() < 0.01  # the regression turns them back
    assert known["ours untrained"].mean() > 2
    assert errors.table["ours"].iloc[55:].equals(floors["mean_pose"].iloc[55:].rename("ours"))


def test_what_the_workflow_has_to_make(judged) -> None:
    folder = judged.results.folder.parent
    assert all((folder / target).exists() for target in judged.list_targets())
    assert len(judged.list_targets()) == 6


def test_errors_against_labels_of_discovered_keypoints_and_of_methods_that_were_trained(judged) -> None:
    taught = [
        replace(judged, name=f"taught, {number} labels", method=find_candidate({"method": "supervised"}), experiments=[f"taught{number}"])
        for number in (10, 50)
    ]
    for number, entry in zip((10, 50), taught, strict=True):
        for name in ("s1", "s2"):
            joints = read_table(judged.results.joints(name), "joints")
            found = joints.rename(columns={"joint": "keypoint"}).assign(
                time_s=joints["frame"] / 10, confidence=1.0, spread=1.0, reprojection_px=0.0
            )
            found[["x", "y", "z"]] += RNG.normal(0, 100 / number, (len(found), 3))
            write_table(found, "keypoints", entry.results.keypoints(entry.experiments[0], name), {"units": "mm", "labels": number})
    entries = [judged, *(replace(entry, untrained=False, regressed=False) for entry in taught)]
    errors = compare(entries)
    assert set(errors.table) == {"mean_pose", "ours", "ours untrained", "taught, 10 labels", "taught, 50 labels"}
    table = measure_labels(entries, errors)
    curve = table[table["method"] == "bkind3d"]
    assert curve["labels"].tolist() == [10, 30, 55] and (curve["regressor"] == "kernel").all()
    points = table[table["method"] == "taught"]
    assert points["labels"].tolist() == [10, 50] and (points["regressor"] == "none").all()
    assert points["pa_mpjpe"].tolist() == pytest.approx([errors.table[entry.name].mean() for entry in taught])
    assert (points["pa_mpjpe_low"] < points["pa_mpjpe"]).all() and (points["pa_mpjpe"] < points["pa_mpjpe_high"]).all()


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
