"""The checks pass for every importer of the table, and fail for one that breaks what they ask."""

from dataclasses import replace
from pathlib import Path

import pytest

from bkind3d.archives import importers
from bkind3d.archives.checks import check_importer
from bkind3d.archives.importers import IMPORTERS
from bkind3d.archives.rat7m import read_archive
from bkind3d.config import InputError
from tests.unit.archives import human36m_files
from tests.unit.archives.rat7m_files import write_session


def write_rat7m(folder: Path, write_video) -> None:
    folder.mkdir()
    for seed, name in enumerate(("s1-d1", "s5-d1")):
        write_session(folder, name, write_video, seed)


#: Writes a small archive of each data set of the table.
EXAMPLES = {"h36m": lambda folder, _: human36m_files.write_archive(folder), "rat7m": write_rat7m}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_importer_keeps_what_is_promised(name: str, tmp_path: Path, empty: Path, write_video) -> None:
    EXAMPLES[name](tmp_path / "archive", write_video)
    check_importer(name, tmp_path / "archive", empty)


def without_test(archive):
    return replace(archive, sessions=[replace(session, split="train") for session in archive.sessions])


def with_other_cameras(archive):
    rigs = {rig: {name: replace(camera, name=f"other {name}") for name, camera in cameras.items()} for rig, cameras in archive.rigs.items()}
    return replace(archive, rigs=rigs)


def without_videos(archive):
    return replace(archive, sessions=[replace(one, videos=dict.fromkeys(one.videos, "gone.mp4")) for one in archive.sessions])


def backwards(archive):
    return replace(archive, sessions=[replace(one, joints=one.joints[::-1]) for one in archive.sessions])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_test, "none to judge on"),
        (with_other_cameras, "is not in the calibration"),
        (without_videos, "there is no file .*gone.mp4"),
        (backwards, "not in their order"),
    ],
)
def test_what_breaks_a_rule_is_found(tmp_path: Path, empty: Path, write_video, monkeypatch, spoil, message: str) -> None:
    write_rat7m(tmp_path / "archive", write_video)

    class Spoilt:
        @staticmethod
        def read_archive(folder: Path, **options):
            return spoil(read_archive(folder, **options))

    monkeypatch.setattr(importers, "import_module", lambda _: Spoilt)
    with pytest.raises((AssertionError, InputError), match=message):
        check_importer("rat7m", tmp_path / "archive", empty)
