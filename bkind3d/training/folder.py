"""The folder of a training: named by everything that the result depends on, and held by one process at a time, which logs there."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bkind3d.checkpoint import hash_file
from bkind3d.config import DEFAULT_METHOD, TRAINING_REVISION, ExperimentConfig, InputError
from bkind3d.config.network import list_weights
from bkind3d.data.locks import release_lock, take_lock
from bkind3d.data.parquet import hash_content

#: As TRAINING_REVISION, for trainings that hold sessions out: part of their identity alone.
VALIDATION_REVISION = 2


def hash_files(files: Mapping[str, Sequence[str | Path]]) -> dict[str, list[str]]:
    """SHA-256 of the tables of every session."""
    return {session: [hash_content(path) for path in paths] for session, paths in files.items()}


def identify_training(config: ExperimentConfig, hashes: Mapping[str, Sequence[str]]) -> str:
    """Name a training by its configuration, its data and the stage's revision (16 hexadecimal digits).

    Sections that come after training (evaluation, actions) do not count, nor do settings that have their default: a
    setting that a new version brings, with a default that changes nothing, retrains nothing. Of weights in a folder
    (``model.pretrained``), the content counts; the hub's are known by their name alone. The order of sessions, and of the tables of a
    session whose `hashes` there are, does not count.
    """
    sections: dict[str, Any] = {}
    for name, section in (("model", config.model), ("losses", config.losses), ("training", config.training)):
        stated = section.model_dump(mode="json", exclude_defaults=True)
        sections[name] = {key: value for key, value in stated.items() if f"{name}.{key}" not in config.without_effect}
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


class _Log(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Go on: a disk that is full ends no training, and the log of the rule gets the same lines."""


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process, and append what is logged to its ``training.log``; the lock ends with the process, however it ends.

    The log of a rule holds its last run alone: Snakemake removes it before every run.

    Raises
    ------
    InputError : if another process holds it (a training that a killed workflow left behind, say), or nothing can be written there.
    """
    try:
        lock = take_lock(folder / "lock")
    except BlockingIOError as owner:
        raise InputError(folder, f"{owner} trains this model right now", "wait for it, or end it, and run again") from None
    handler = _Log(folder / "training.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        with suppress(OSError):
            handler.close()
        release_lock(lock)
