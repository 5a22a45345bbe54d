import pytest

from bkind3d.config import ExperimentConfig
from bkind3d.config.network import list_weights, names_no_commit


def make_model(**model):
    return ExperimentConfig.model_validate({"preset": "paper", "frames": "f", "model": model}).model


def test_weights_are_the_files_that_are_read_and_none_without_a_folder(tmp_path):
    (tmp_path / "weights").mkdir()
    for name in ("model.safetensors", "config.json", "README.md", "preprocessor_config.json", "model.safetensors.index.json"):
        (tmp_path / "weights" / name).write_text("{}")
    found = list_weights(make_model(pretrained="weights"), tmp_path)
    assert [path.name for path in found] == ["config.json", "model.safetensors", "model.safetensors.index.json"]
    for model in ({}, {"pretrained": "hub:lab/net"}, {"encoder": "efficientnet-lite0", "pretrained": "package"}):
        assert list_weights(make_model(**model), tmp_path) == []


@pytest.mark.parametrize(
    ("source", "open_to_change"),
    [
        ("none", False),
        ("weights", False),
        ("hub:lab/net", True),
        ("hub:lab/net@main", True),
        ("hub:lab/net@34c2154c194f829b11125337b98c8f5f9965ff19", False),
    ],
)
def test_only_a_commit_pins_what_the_hub_gives(source, open_to_change):
    assert names_no_commit(make_model(pretrained=source)) == open_to_change
