"""Folders as other laboratories have them: each ends right, or in one line that says what to do."""

import pytest

from benchmarks.first_contact import LAYOUTS, OTHERS, meet, write_videos
from benchmarks.foreign_files import FILES, meet_file


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return write_videos(tmp_path_factory.mktemp("videos"))


@pytest.mark.parametrize("situation", [*LAYOUTS, *OTHERS], ids=lambda situation: situation.name.replace("\t", " "))
def test_a_situation_ends_as_it_should(situation, videos, tmp_path):
    code, said, faults = meet(situation, videos, tmp_path / "place")
    assert faults == [], f"exit code {code}\n{said}"


@pytest.mark.parametrize("situation", FILES, ids=lambda situation: situation.name)
def test_a_file_is_read_right_or_refused_with_the_reason(situation, tmp_path):
    said, fault = meet_file(situation, tmp_path)
    assert fault == "", said


def test_there_are_forty():
    assert len(FILES) >= 40
    assert len({situation.name for situation in FILES}) == len(FILES)
    assert len(LAYOUTS) + len(OTHERS) >= 40
    assert len({situation.name for situation in (*LAYOUTS, *OTHERS)}) == len(LAYOUTS) + len(OTHERS)
