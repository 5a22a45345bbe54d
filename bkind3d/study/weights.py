"""The files of the weights that an image encoder starts from."""

import re
from pathlib import Path

from bkind3d.config import HUB_PREFIX, ModelConfig


def list_weights(model: ModelConfig, folder: Path = Path()) -> list[Path]:
    """Files of ``model.pretrained`` by name; none where the encoder starts from random weights or from the hub's.

    Parameters
    ----------
    model : the network.
    folder : of the study, which the setting is relative to.
    """
    if model.first_weights == "none" or model.first_weights.startswith(HUB_PREFIX):
        return []
    place = folder / model.first_weights
    return sorted(path for pattern in ("config.json", "*.safetensors", "*.safetensors.index.json") for path in place.glob(pattern))


def names_no_commit(model: ModelConfig) -> bool:
    """Whether the encoder starts from weights of the hub that somebody may replace under the same name."""
    return model.first_weights.startswith(HUB_PREFIX) and not re.search("@[0-9a-f]{40}$", model.first_weights)
