import os
import subprocess
import sys

import pytest

from bkind3d.config import InputError
from bkind3d.study.replacing import JOURNAL, finish_replacement, replace_together

TEXTS = {"config/a.tsv": ("a before\n", "a after\n"), "config/b.tsv": ("b before\n", "b after\n")}
#: Replaces the sheets, and is killed just before the file of that number gets its name: the journal, a, b.
KILLED = """
import ast, os, signal, sys
from pathlib import Path
from bkind3d.study.replacing import replace_together
named = 0
def look(event, _):
    global named
    if event == "os.rename":
        if named == int(sys.argv[2]):
            os.abort()
        named += 1
sys.addaudithook(look)
replace_together(Path(sys.argv[1]), ast.literal_eval(sys.argv[3]))
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "config").mkdir()
    for name, (before, _) in TEXTS.items():
        (tmp_path / name).write_text(before)
    return tmp_path


def read(study):
    return [(study / name).read_text() for name in TEXTS]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_all_count_or_none_whenever_it_is_killed(study, number):
    done = subprocess.run([sys.executable, "-c", KILLED, str(study), str(number), repr(TEXTS)], capture_output=True, check=False)
    assert done.returncode < 0
    assert finish_replacement(study)
    assert read(study) == [texts[number > 0] for texts in TEXTS.values()]
    replace_together(study, {name: (text, "again") for name, text in zip(TEXTS, read(study), strict=True)})
    assert read(study) == ["again", "again"]
    assert {path.name for path in (study / "config").iterdir()} == {"a.tsv", "b.tsv"}


def test_what_somebody_writes_after_a_kill_is_not_overwritten(study):
    subprocess.run([sys.executable, "-c", KILLED, str(study), "2", repr(TEXTS)], capture_output=True, check=False)
    (study / "config/b.tsv").write_text("by hand")
    assert not finish_replacement(study)
    assert read(study) == ["a after\n", "by hand"]
    assert not (study / JOURNAL).exists()


def test_a_sheet_that_has_changed_meanwhile_is_not_overwritten(study):
    (study / "config/a.tsv").write_text("by hand")
    with pytest.raises(InputError, match=r"config/a.tsv or config/b.tsv: has changed meanwhile; nothing was written"):
        replace_together(study, TEXTS)
    assert read(study) == ["by hand", "b before\n"]


def test_links_and_rights_stay(study):
    (study / "a.tsv").write_text(TEXTS["config/a.tsv"][0])
    (study / "a.tsv").chmod(0o640)
    (study / "config/a.tsv").unlink()
    (study / "config/a.tsv").symlink_to("../a.tsv")
    replace_together(study, TEXTS)
    assert os.readlink(study / "config/a.tsv") == "../a.tsv"
    assert (study / "a.tsv").read_text() == "a after\n"
    assert (study / "a.tsv").stat().st_mode & 0o777 == 0o640
