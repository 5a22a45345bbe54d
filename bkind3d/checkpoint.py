"""What a trained model is on disk: weights, the configuration that rebuilds it, and where it comes from."""

import hashlib
import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import torch
from pydantic import TypeAdapter

from bkind3d import __version__
from bkind3d.config import DEFAULT_METHOD, MODEL_REVISION, ExperimentConfig, InputError, find_settings
from bkind3d.data.writing import replaced_when_complete

if TYPE_CHECKING:
    from bkind3d.methods.base import Model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from.

    Attributes
    ----------
    identity : name of the training.
    steps : optimiser steps after which these are the weights; 0 of an untrained model.
    units : of its world.
    seed : of the training.
    encoder_revision : commit of the hub, or SHA-256 of the folder's weights, that the image encoder started from; empty where it started
        from random weights.
    data : SHA-256 of the tables of every training session: frames, and joints where they are learned from.
    experiment : the settings of the training, as JSON.
    method : what was trained.
    labels : labelled frames that it learned from; 0 where it learns without.
    tflop_per_step : counted operations of a step, in units of 10^12 (:func:`bkind3d.training.budget.count_step`); 0 where not known.
    """

    identity: str
    steps: int
    units: str
    seed: int
    encoder_revision: str = ""
    data: dict[str, list[str]] = field(default_factory=dict)
    experiment: str = ""
    method: str = DEFAULT_METHOD
    tflop_per_step: float = 0.0
    labels: int = 0

    def describe_network(self) -> dict[str, str]:
        """What the metadata of its keypoints say of its image encoder and perceptual features."""
        if not self.experiment:
            return {}
        stated = ExperimentConfig.model_validate_json(self.experiment).network
        return stated | ({"encoder_revision": self.encoder_revision} if self.encoder_revision else {})


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "make it readable, or make it anew") from None


def write_content(content: Mapping[str, Any], kind: str, revision: int, path: Path) -> None:
    """Write tensors and plain values to `path`, as a whole or not at all."""
    file = io.BytesIO()
    torch.save({"format": kind, "revision": revision, "version": __version__, "sha256": hash_values(content), **content}, file)
    with replaced_when_complete(path) as temporary:
        temporary.write_bytes(file.getbuffer())


def hash_values(values: Any) -> str:
    """SHA-256 of tensors and plain values in dictionaries and lists."""
    digest = hashlib.sha256()
    _digest(values, digest)
    return digest.hexdigest()


def _digest(values: Any, digest: "hashlib._Hash") -> None:
    if isinstance(values, torch.Tensor):
        digest.update(f"{values.dtype}{list(values.shape)}".encode())
        digest.update(values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    elif isinstance(values, Mapping):
        digest.update(f"{{{len(values)}".encode())
        for key, value in values.items():
            digest.update(repr(key).encode())
            _digest(value, digest)
    elif isinstance(values, list | tuple):
        digest.update(f"[{len(values)}".encode())
        for value in values:
            _digest(value, digest)
    else:
        digest.update(repr(values).encode())


def read_content(path: str | Path, kind: str, revision: int, advice: str) -> dict[str, Any]:
    """Read what :func:`write_content` wrote; nothing in the file is executed.

    Raises
    ------
    InputError : where the file cannot be read, is not of this `kind`, has another revision, or other values than were written; `advice`
        says what to do then.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        stated = content.pop("sha256", None) if isinstance(content, dict) else None
        own = {"format", "revision", "version"}
        is_whole = stated is None or stated == hash_values({key: value for key, value in content.items() if key not in own})
    except Exception as error:  # torch's reader meets damage with whatever it stumbles over
        raise InputError(path, f"cannot be read ({' '.join(str(error).split())[:120]})", advice) from None
    if not isinstance(content, dict) or content.get("format") != kind:
        raise InputError(path, f"is not a {kind.replace('-', ' ')} file", advice)
    if content.get("revision") != revision:
        raise InputError(path, f"is of revision {content.get('revision', 'none')}, this package has {revision}", advice)
    if not is_whole:
        raise InputError(path, "is damaged: its values are not those that were written", f"copy it again, or {advice}")
    if stated is None:
        log.info("%s: was written before files of models had a checksum, so damage would not be noticed", path)
    return content


def save_model(model: "Model", provenance: Provenance, path: str | Path) -> None:
    """Write `model` to `path` (loadable with ``weights_only=True``)."""
    content = {
        "model_config": model.config.model_dump_json(),
        "names": model.names,
        "provenance": TypeAdapter(Provenance).dump_json(provenance).decode(),
        "weights": {name: value.detach().cpu() for name, value in model.state_dict().items()},
    }
    write_content(content, "bkind3d-model", MODEL_REVISION, Path(path))


def load_model(path: str | Path) -> tuple["Model", Provenance]:
    """Rebuild a model from its own method and configuration.

    Raises
    ------
    InputError : where the file is no model of ours, one of another revision, or one whose weights do not fit its configuration.
    """
    content = read_content(path, "bkind3d-model", MODEL_REVISION, "train it again")
    try:
        provenance = TypeAdapter(Provenance).validate_json(content["provenance"])
        settings = find_settings(provenance.method)
        config = settings.model_fields["model"].annotation.model_validate_json(content["model_config"])  # type: ignore[union-attr]
        model: Model = resolve_name(settings.description.model)(config, content.get("names", ()), load=False)
        model.load_state_dict(content["weights"])
    except Exception as error:  # whoever wrote it may have written anything
        reason = " ".join(str(error).split())[:160]
        what = f"its weights and its configuration do not belong together ({reason})"
        raise InputError(path, what, "train it again") from None
    for name, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise InputError(path, f"its weights {name} are not all finite numbers", "train it again")
    return model, provenance
