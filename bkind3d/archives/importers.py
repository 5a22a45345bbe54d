"""The data sets that can be imported: a table, and what is the same for all of them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bkind3d.config import InputError
from bkind3d.data.writing import refuse_inside

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Importer:
    """A data set's row.

    Attributes
    ----------
    module : its function ``read_archive(folder, **options)`` gives an :class:`~bkind3d.archives.studies.Archive`.
    name : of the data set.
    holds : what is in its folder.
    options : of the verb ``import-...``, as argparse takes them; `read_archive` gets their values.
    """

    module: str
    name: str
    holds: str
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


#: By the names of their verbs.
IMPORTERS = {
    "h36m": Importer(
        "bkind3d.archives.human36m",
        "Human3.6M",
        "S1, S5, ..., S11 (or extracted/S1, ...) and metadata.xml",
        {"metadata": {"type": Path, "help": "the data set's metadata.xml, if it lies elsewhere than in the folder"}},
    ),
    "rat7m": Importer(
        "bkind3d.archives.rat7m",
        "Rat7M",
        "mocap-s1-d1.mat, s1-d1-camera1-0.mp4, ..., in it or in folders below",
        {
            "test": {"nargs": "+", "default": ["s5"], "metavar": "RAT", "help": "rats that are judged on; the others are learned from"},
            "sessions": {
                "nargs": "+", "default": [], "metavar": "SESSION", "help": "what to import, such as s1-d1 s5-d1; all without this",
            },
        },
    ),
}  # fmt: skip


def import_archive(name: str, folder: Path, output: Path, **options: Any) -> None:
    """Make a study, the folder `output` that must not be there yet, of the data set `name` in `folder`.

    The `options` are those of the data set's row; what is not given has its default.

    Raises
    ------
    InputError : where files are missing, damaged, or do not belong together.
    """
    from bkind3d.archives.studies import SIMULATED_MARK, write_study

    row = IMPORTERS[name]
    if not folder.is_dir():
        raise InputError(folder, "is no folder", f"name the one that holds {row.name}: {row.holds}")
    refuse_inside(output, folder)
    given = {key: argument.get("default") for key, argument in row.options.items()} | options
    archive = import_module(row.module).read_archive(folder, **given)
    if (folder / SIMULATED_MARK).exists():
        archive = replace(archive, dataset=f"simulated_{archive.dataset}")
    used = write_study(output, archive, f"import-{name}")
    subjects = ", ".join(dict.fromkeys(session["subject"] for session in used))
    log.info("%s: %d sessions of %s%s", output, len(used), subjects, archive.remark and f"; {archive.remark}")
