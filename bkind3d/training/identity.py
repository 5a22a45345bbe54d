"""Which training this is: a name made of everything that its result depends on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bkind3d.config import DEFAULT_METHOD, TRAINING_REVISION, ExperimentConfig, InputError
from bkind3d.study.weights import list_weights

#: As TRAINING_REVISION, for trainings that hold sessions out: part of their identity alone.
VALIDATION_REVISION = 2


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); make it readable, or make it anew") from None


def hash_files(files: Mapping[str, Sequence[str | Path]]) -> dict[str, list[str]]:
    """SHA-256 of the files of every session."""
    return {session: [hash_file(path) for path in paths] for session, paths in files.items()}


def identify_training(config: ExperimentConfig, hashes: Mapping[str, Sequence[str]]) -> str:
    """Name a training by its configuration, its data and the stage's revision (16 hexadecimal digits).

    Sections that come after training (evaluation, actions) do not count, nor do settings that have their default: a
    setting that a new version brings, with a default that changes nothing, retrains nothing. Of weights in a folder
    (``model.pretrained``), the content counts; the hub's are known by their name alone.

    Parameters
    ----------
    config : the experiment.
    hashes : per training session, those of its tables; the order of sessions and cameras does not count.
    """
    sections: dict[str, Any] = {
        name: {
            key: value
            for key, value in section.model_dump(mode="json", exclude_defaults=True).items()
            if f"{name}.{key}" not in config.without_effect
        }
        for name, section in (("model", config.model), ("losses", config.losses), ("training", config.training))
    }
    if config.method != DEFAULT_METHOD:
        sections["method"] = config.method
    if config.training.validation_sessions:
        sections["training"]["validation_revision"] = VALIDATION_REVISION
    weights = {path.name: hash_file(path) for path in list_weights(config.model)}
    if weights:
        sections["model"]["weights"] = weights
    data = sorted(value for values in hashes.values() for value in values)
    content = {"revision": TRAINING_REVISION, "data": data, **sections}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
