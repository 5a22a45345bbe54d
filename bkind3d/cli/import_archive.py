"""The verbs ``import-h36m``, ``import-rat7m``, ...: one for each data set that can be imported."""

import argparse
from pathlib import Path
from types import SimpleNamespace

from bkind3d.archives.importers import IMPORTERS, import_archive


def make_verb(name: str) -> SimpleNamespace:
    """Make what other verbs have as a module."""
    row = IMPORTERS[name]

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help=f"holds {row.holds}; nothing is written there")
        parser.add_argument("-o", "--output", type=Path, required=True, metavar="STUDY", help="folder of the study; must not be there yet")
        for option, values in row.options.items():
            parser.add_argument(f"--{option}", **values)

    def run(arguments: argparse.Namespace) -> None:
        import_archive(name, arguments.folder, arguments.output, **{option: getattr(arguments, option) for option in row.options})

    page = row.module.rpartition(".")[2]
    return SimpleNamespace(
        HELP=f"Make a study of {row.name}: sheets, calibrations, joints; docs/how-to/{page}.md.", add_arguments=add_arguments, run=run
    )
