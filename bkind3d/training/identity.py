"""Which training this is: a name made of everything that its result depends on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from bkind3d.config import ExperimentConfig

#: Raised when the same configuration and data would give other weights.
TRAINING_REVISION = 2


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identify_training(config: ExperimentConfig, frames: Sequence[str | Path]) -> str:
    """Name a training by its configuration, its data and the stage's revision (16 hexadecimal digits).

    Sections that come after training (evaluation, actions) do not count: changing them retrains nothing.
    """
    sections = {name: getattr(config, name).model_dump(mode="json") for name in ("model", "losses", "training")}
    content = {"revision": TRAINING_REVISION, "data": sorted(hash_file(path) for path in frames), **sections}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
