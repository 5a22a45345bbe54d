import importlib.util
import json
import re
from pathlib import Path

import pytest

from bkind3d.config import BoardConfig, ExperimentConfig, InputError, StudyConfig, parse_section, read_section
from bkind3d.config.methods import METHODS, find_settings

ROOT = Path(__file__).parents[2]


def load_reference_writer():
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / ".ci" / "write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_and_schema_have_not_drifted():
    writer = load_reference_writer()
    assert writer.README.read_text() == writer.format_readme(writer.README.read_text()), "run: make reference"
    assert writer.SCHEMA.read_text() == writer.format_schema(), "run: make reference"


def test_every_setting_is_described():
    def list_fields(schema):
        for name, part in schema["$defs"].items():
            yield from ((f"{name}.{key}", entry) for key, entry in part.get("properties", {}).items())

    missing = [
        name
        for name, entry in list_fields(StudyConfig.model_json_schema())
        if "description" not in entry and "$ref" not in json.dumps(entry)
    ]
    assert missing == []


@pytest.mark.parametrize(("method", "preset"), [(method, preset) for method in METHODS for preset in find_settings(method).presets])
def test_a_preset_is_complete_and_single_keys_change_it(method, preset):
    plain = parse_section(ExperimentConfig, {"method": method, "preset": preset, "frames": "f"}, "x")
    changed = parse_section(ExperimentConfig, {"method": method, "preset": preset, "frames": "f", "training": {"steps": 3}}, "x")
    assert changed.training.steps == 3
    assert changed.model == plain.model
    assert changed.training.model_copy(update={"steps": plain.training.steps}) == plain.training


def test_a_dumped_experiment_is_read_back_the_same(tmp_path):
    experiment = parse_section(ExperimentConfig, {"preset": "demo", "frames": "f", "model": {"hull_prior": 0.0}}, "x")
    (tmp_path / "e.json").write_text(experiment.model_dump_json())
    assert read_section(ExperimentConfig, tmp_path / "e.json") == experiment


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "dmeo", "frames": "f"}, "key 'preset' is 'dmeo': Input should be 'bkind3d', 'demo' or 'paper'"),
        ({"preset": ["demo"], "frames": "f"}, "preset: Input should be 'bkind3d', 'demo' or 'paper'"),
        ({"method": "supervisd", "frames": "f"}, "key 'method' is 'supervisd': "),
        ({"method": ["supervised"], "frames": "f"}, "method: Input should be a valid string"),
        ({"frames": "f", "losses": {"separation": float("inf")}}, "key 'losses.separation' is inf: Input should be a finite number"),
        ({"frames": "f", "model": {"n_keypoint": 3}}, "unknown key 'model.n_keypoint'; did you mean 'n_keypoints'"),
        ({"frames": "f", "model": {"zzz": 3}}, "unknown key 'model.zzz'; config/README.md has all keys"),
        ({"frames": "f", "model": {"n_keypoints": 1}}, "key 'model.n_keypoints' is 1"),
        ({"frames": "f", "model": {"n_keypoints": "many"}}, "key 'model.n_keypoints' is 'many'"),
        ({"frames": "f", "model": {"n_keypoints": 4, "n_symmetric_pairs": 3}}, "needs at least 6 keypoints"),
        ({"frames": "f", "model": [1]}, "model: Input should be"),
        (
            {"preset": "paper", "frames": "f", "model": {"pretrained": "hub:resnet"}},
            "write none, package, a folder, hub:owner/name, or hub:owner/name@",
        ),
        ({"preset": "paper", "frames": "f", "model": {"encoder": "none"}}, "losses.reconstruction needs model.reconstruction: true and a"),
        (
            {"frames": "f", "model": {"encoder": "resnet18", "pretrained": "package"}},
            "'package' does not go with encoder resnet18; write none, a",
        ),
        (
            {"frames": "f", "model": {"encoder": "efficientnet-lite0", "pretrained": "weights"}},
            "encoder efficientnet-lite0; write package or none",
        ),
        ({"preset": "paper", "frames": "f", "losses": {"perceptual": "backbone"}}, "perceptual: backbone needs model.pretrained"),
        ({}, "key 'frames' is missing"),
        ({"frames": "a b"}, "key 'frames' is 'a b'"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(values, message):
    with pytest.raises(InputError, match=message) as error:
        parse_section(ExperimentConfig, values, "file.yaml")
    assert str(error.value).startswith("file.yaml: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "is not valid JSON"),
        ("a.yaml", "a: [", "is not valid YAML"),
        ("a.yaml", "preset: demo\npreset: paper", "line 2: key 'preset' is already in line 1"),
        ("a.yaml", "frames: f\xfcr", "is not a text in UTF-8"),
        ("b.json", None, "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message):
        read_section(ExperimentConfig, tmp_path / name)


@pytest.mark.parametrize(
    ("keypoints", "message"),
    [
        ({"k00": "nose", "k01": "nose"}, "calls both k00 and k01 'nose'"),
        ({"k00": "Nose", "k01": "nose"}, "calls both k00 and k01 'nose'"),
        ({"k00": "k01"}, "calls both k00 and k01 'k01'"),
        ({"k15": "nose"}, "'k15', which is no keypoint; this experiment has k00 to k14"),
        ({"k00": "left paw"}, "naming.keypoints.k00"),
        ({"k00": "pfötchen"}, "naming.keypoints.k00"),
        ({"k00": ""}, "naming.keypoints.k00"),
    ],
)
def test_names_of_keypoints_that_cannot_be_told_apart_or_written_are_refused(keypoints, message):
    values = {"frames": "subject", "naming": {"keypoints": keypoints}}
    with pytest.raises(InputError, match=re.escape(message)):
        parse_section(ExperimentConfig, values, "config.yaml")


def test_keypoints_may_swap_names():
    names = {"k00": "k01", "k01": "k00"}
    assert parse_section(ExperimentConfig, {"frames": "subject", "naming": {"keypoints": names}}, "x").naming.keypoints == names


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pattern": "checkerboard", "marker_length": None, "squares_x": 8}, "looks the same after half a turn"),
        ({"pattern": "checkerboard", "marker_length": None, "squares_y": 5}, "looks the same after half a turn"),
        ({"pattern": "checkerboard"}, "a checkerboard has no markers"),
        ({"marker_length": None}, "marker_length is missing"),
        ({"squares_x": 12, "squares_y": 10}, "12 x 10 squares need 60 markers, dictionary_size is 50"),
    ],
)
def test_boards_that_cannot_work_are_refused(changes: dict, message: str) -> None:
    values = {"squares_x": 7, "squares_y": 6, "square_length": 60, "marker_length": 45} | changes
    with pytest.raises(InputError, match=message):
        parse_section(BoardConfig, values, "boards")
    allowed = {"pattern": "checkerboard", "squares_x": 7, "squares_y": 6, "square_length": 60}
    assert parse_section(BoardConfig, allowed, "boards").marker_length is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": {"drawing": "points"}}, "losses.length 1 is about edges, but model.drawing is 'points'"),
        ({"model": {"drawing": "none"}, "losses": {"length": 0, "silhouette": 1}}, "losses.silhouette 1 is about edges"),
        ({"cameras": ["left"]}, "cameras are left; name at least two"),
        ({"cameras": ["left", "left"]}, "cameras are left, left; name at least two different ones"),
    ],
)
def test_switches_of_the_ablation_fit_together(values, message):
    with pytest.raises(InputError, match=re.escape(message)):
        parse_section(ExperimentConfig, {"preset": "paper", "frames": "paper", **values}, "test")


def test_a_table_of_the_paper_names_experiments_that_are_there():
    experiments = {"one": {"frames": "subject"}}
    table = {"title": "A table", "rows": {"one": "One", "tow": "Two"}}
    with pytest.raises(InputError, match="paper.main names 'tow', which is not among the experiments"):
        parse_section(StudyConfig, {"experiments": experiments, "paper": {"main": table}}, "test")
