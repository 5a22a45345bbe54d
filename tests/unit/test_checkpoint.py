"""What a model's file holds, and which files are refused in one line."""

import json
import os
from pathlib import Path

import pytest
import torch

from bkind3d import checkpoint
from bkind3d.checkpoint import Provenance, load_model, save_model, write_content
from bkind3d.config import MODEL_REVISION, ExperimentConfig, InputError
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig

SMALL = DiscoveryModelConfig(n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", hull_prior=1.0)
EXPERIMENT = ExperimentConfig.model_validate({"preset": "paper", "frames": "f", "model": {"pretrained": "hub:lab/net"}})
PROVENANCE = Provenance("abc", 7, "mm", 3, "0123456789abcdef", {"one": ["aa", "bb"]}, EXPERIMENT.model_dump_json())


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(DiscoveryModel(SMALL), PROVENANCE, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def change(path: Path, **entries: object) -> None:
    torch.save(torch.load(path, weights_only=True) | entries, path)


def test_a_file_holds_what_rebuilds_the_model_and_where_it_comes_from(model_file: Path) -> None:
    content = torch.load(model_file, weights_only=True)
    assert (content["format"], content["revision"]) == ("bkind3d-model", MODEL_REVISION)
    assert json.loads(content["model_config"])["n_keypoints"] == 4
    model, provenance = load_model(model_file)
    assert provenance == PROVENANCE
    assert (provenance.units, provenance.data) == ("mm", {"one": ["aa", "bb"]})
    torch.manual_seed(0)
    for name, value in DiscoveryModel(SMALL).state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


def test_keypoints_state_the_network_and_the_revision_that_it_started_from() -> None:
    assert PROVENANCE.describe_network() == {
        "encoder": "resnet50 from hub:lab/net",
        "perceptual": "vgg19",
        "encoder_revision": "0123456789abcdef",
    }
    demo = ExperimentConfig.model_validate({"preset": "demo", "frames": "f"})
    assert Provenance("abc", 7, "mm", 3, experiment=demo.model_dump_json()).describe_network() == {"encoder": "none", "perceptual": "none"}


def test_a_file_of_nonsense_or_of_another_kind_is_refused(model_file: Path) -> None:
    write_content({"step": 3}, "bkind3d-resume", MODEL_REVISION, model_file)
    with pytest.raises(InputError, match="model.pt: is not a bkind3d model file; train it again"):
        load_model(model_file)
    torch.save({"weights": {}}, model_file)
    with pytest.raises(InputError, match="is not a bkind3d model file"):
        load_model(model_file)
    torch.save(torch.zeros(3), model_file)
    with pytest.raises(InputError, match="is not a bkind3d model file"):
        load_model(model_file)
    for nonsense in (b"nonsense", b"session\tsubject\trig\n", b""):
        model_file.write_bytes(nonsense)
        with pytest.raises(InputError, match="model.pt: cannot be read"):
            load_model(model_file)
    model_file.unlink()
    with pytest.raises(InputError, match="model.pt: cannot be read .*No such file"):
        load_model(model_file)


def test_half_a_file_is_refused(model_file: Path) -> None:
    model_file.write_bytes(model_file.read_bytes()[: model_file.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cannot be read .*; train it again") as caught:
        load_model(model_file)
    assert "\n" not in str(caught.value)


class Intruder:
    """What a hostile file would have Python call when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.folder),)


def test_code_in_a_file_is_not_executed(model_file: Path, tmp_path: Path) -> None:
    torch.save({"format": "bkind3d-model", "revision": MODEL_REVISION, "weights": Intruder(tmp_path / "owned")}, model_file)
    with pytest.raises(InputError, match="cannot be read"):
        load_model(model_file)
    assert not (tmp_path / "owned").exists()


def test_another_revision_is_refused(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MODEL_REVISION", 99)
    with pytest.raises(InputError, match=rf"is of revision {MODEL_REVISION}, this package has 99; train it again"):
        load_model(model_file)


def test_weights_of_another_number_of_keypoints_are_refused(model_file: Path) -> None:
    change(model_file, model_config=SMALL.model_copy(update={"n_keypoints": 5}).model_dump_json())
    with pytest.raises(
        InputError, match=r"its weights and its configuration do not belong together \(.*size mismatch.*; train it again"
    ) as caught:
        load_model(model_file)
    assert "\n" not in str(caught.value)


def test_a_configuration_with_unknown_keys_or_without_weights_is_refused(model_file: Path) -> None:
    content = torch.load(model_file, weights_only=True)
    change(model_file, model_config='{"n_keypoints": 4, "n_tails": 1}')
    with pytest.raises(InputError, match="do not belong together"):
        load_model(model_file)
    torch.save({name: value for name, value in content.items() if name != "weights"}, model_file)
    with pytest.raises(InputError, match="do not belong together"):
        load_model(model_file)
