"""What a trained model is on disk: weights, the configuration that rebuilds it, and where it comes from."""

import json
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from bkind3d import __version__
from bkind3d.config import InputError, ModelConfig, parse_section
from bkind3d.data.parquet import replaced_when_complete
from bkind3d.model.discovery import DiscoveryModel

#: Raised when the same weights and inputs would give other keypoints.
MODEL_REVISION = 2


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from: experiment identity, number of steps, units of its world."""

    identity: str
    steps: int
    units: str
    seed: int


def save_model(model: DiscoveryModel, provenance: Provenance, path: str | Path) -> None:
    """Write `model` to `path` (loadable with ``weights_only=True``)."""
    content = {
        "format": "bkind3d-model",
        "revision": MODEL_REVISION,
        "version": __version__,
        "model_config": model.config.model_dump_json(),
        "provenance": json.dumps(asdict(provenance)),
        "weights": {name: value.detach().cpu() for name, value in model.state_dict().items()},
    }
    with replaced_when_complete(path) as temporary:
        torch.save(content, temporary)


def load_model(path: str | Path) -> tuple[DiscoveryModel, Provenance]:
    """Rebuild a model from its own configuration.

    Raises
    ------
    InputError
        Where the file is no model of ours, or one of another revision.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: cannot be read as a model ({' '.join(str(error).split())[:120]})") from None
    if not isinstance(content, dict) or content.get("format") != "bkind3d-model":
        raise InputError(f"{path}: is not a bkind3d model")
    if content["revision"] != MODEL_REVISION:
        raise InputError(f"{path}: is a model of revision {content['revision']}, this package has {MODEL_REVISION}; train it again")
    config = parse_section(ModelConfig, json.loads(content["model_config"]), str(path))
    model = DiscoveryModel(config, load=False)
    model.load_state_dict(content["weights"])
    return model, Provenance(**json.loads(content["provenance"]))
