"""Settings of a network that looks into a volume: shared by the methods that use one (``bkind3d/networks``)."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bkind3d.config.experiment import ModelConfig

#: What weights on the Hugging Face hub are named by, so that a mistyped folder is not looked up there.
HUB_PREFIX = "hub:"

#: What the presets of this package's own methods share: a small volume around a body whose heading is found, and how fast it learns.
VOLUME_PRESET = {"heading": True, "volume_size": 24, "volume_channels": 16, "volume_levels": 2, "encoder": "none", "hull_prior": 1.0}
RATE_PRESET = {"optimizer": "adamw", "learning_rate": 6e-3, "warmup_steps": 50, "final_learning_rate": 0.05}


def check_source(value: str) -> str:
    """Refuse what is named as weights of the hub but cannot be any."""
    if not value or (value.startswith(HUB_PREFIX) and not re.fullmatch(rf"{HUB_PREFIX}[\w.-]+/[\w.-]+(@[\w./-]+)?", value)):
        raise ValueError("write none, a folder, hub:owner/name, or hub:owner/name@revision")
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
    encoder: Literal["none", "resnet18", "resnet50", "dinov2-small", "dinov3-small"] = Field(
        "resnet50", description="Image encoder whose features are un-projected; none un-projects colour and silhouettes only."
    )
    plain_features: bool = Field(
        False,
        description="Un-project colour, silhouettes and place beside the encoder's features; without an encoder they are all there is.",
    )
    pretrained: Annotated[str, AfterValidator(check_source)] = Field(
        "none",
        description="The encoder's first weights: none (random), a folder with config.json and model.safetensors, or hub:owner/name, "
        "hub:owner/name@revision. Nothing but hub: ever looks for weights on the network.",
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


def list_weights(model: ModelConfig, folder: Path = Path()) -> list[Path]:
    """Files of ``model.pretrained``, relative to a study's `folder`, by name; none where the encoder starts from random weights or the hub's."""
    if model.first_weights == "none" or model.first_weights.startswith(HUB_PREFIX):
        return []
    place = folder / model.first_weights
    return sorted(path for pattern in ("config.json", "*.safetensors", "*.safetensors.index.json") for path in place.glob(pattern))


def names_no_commit(model: ModelConfig) -> bool:
    """Whether the encoder starts from weights of the hub that somebody may replace under the same name."""
    return model.first_weights.startswith(HUB_PREFIX) and not re.search("@[0-9a-f]{40}$", model.first_weights)
