"""What a model's file holds, and which files are refused in one line."""

import json
import os
from pathlib import Path

import numpy as np
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
    """Write other entries, in a file without a checksum, as all were before there was one."""
    content = torch.load(path, weights_only=True) | entries
    torch.save({key: value for key, value in content.items() if key != "sha256"}, path)


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


def test_no_flipped_bit_gives_other_weights(model_file: Path) -> None:
    data, known = model_file.read_bytes(), load_model(model_file)
    rng, refused = np.random.default_rng(0), 0
    for place in rng.choice(len(data), 80, replace=False):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        model_file.write_bytes(changed)
        try:
            model, provenance = load_model(model_file)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        assert provenance == known[1]
        assert all(torch.equal(value, known[0].state_dict()[name]) for name, value in model.state_dict().items())
    assert refused > 40


def test_a_file_without_a_checksum_is_read_and_said_to_have_none(model_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    known, _ = load_model(model_file)
    change(model_file)
    with caplog.at_level("INFO"):
        model, _ = load_model(model_file)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "was written before files of models had a checksum, so damage would not be noticed"
    ]
    assert all(torch.equal(value, known.state_dict()[name]) for name, value in model.state_dict().items())


def test_weights_that_are_no_numbers_are_refused(model_file: Path) -> None:
    content = torch.load(model_file, weights_only=True)
    name = next(name for name, value in content["weights"].items() if value.is_floating_point())
    for value in (float("nan"), float("inf")):
        content["weights"][name].view(-1)[0] = value
        change(model_file, weights=content["weights"])
        with pytest.raises(InputError, match=f"its weights {name} are not all finite numbers; train it again"):
            load_model(model_file)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"revision": None}, "is of revision None, this package has"),
        ({"weights": [1, 2]}, "do not belong together"),
        ({"provenance": b"abc"}, "do not belong together"),
        ({"model_config": 5}, "do not belong together"),
    ],
)
def test_entries_of_strangers_are_refused(model_file: Path, entries: dict[str, object], message: str) -> None:
    change(model_file, **entries)
    with pytest.raises(InputError, match=message):
        load_model(model_file)
    content = torch.load(model_file, weights_only=True)
    del content["revision"]
    torch.save(content, model_file)
    with pytest.raises(InputError, match="is of revision none, this package has"):
        load_model(model_file)


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
    torch.save({name: value for name, value in content.items() if name not in ("weights", "sha256")}, model_file)
    with pytest.raises(InputError, match="do not belong together"):
        load_model(model_file)
