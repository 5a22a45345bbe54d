"""Hostile files: whatever a reader does to its process is noticed, and no reader comes to harm (``python -m benchmarks.hostile``)."""

import os
from pathlib import Path

import pytest

from benchmarks import hostile
from benchmarks.readers import READERS, Reader
from bkind3d.config import InputError


def write(path: Path) -> None:
    path.write_bytes(b"abc 123" * 20)


def refuse(path: Path) -> None:
    if "good" not in path.name:
        raise InputError(path, "is broken")


def speak_twice(path: Path) -> None:
    if "good" not in path.name:
        raise AssertionError("one line\nand another")


def spin(path: Path) -> None:
    while "good" not in path.name:
        pass


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (refuse, "refused"),
        (lambda path: path.suffix, "same"),
        (lambda path: path.read_bytes(), "silent"),
        (speak_twice, "traceback"),
        (spin, "hang"),
        (lambda path: "good" in path.name or os.abort(), "crash"),
        (lambda path: "good" in path.name or bytearray(2**42), "traceback"),
    ],
)
def test_all_that_a_reader_does_is_noticed(read, outcome, monkeypatch):
    monkeypatch.setattr(hostile, "PATIENCE", 0.2)
    campaign = hostile.Campaign()
    hostile.run(Reader("x", ".txt", write, read, checked=True), campaign, 5)
    assert (campaign.count(outcome), campaign.next) == (5, 5)
    assert len(campaign.harmful) == (5 if outcome in hostile.BAD else 0)


def test_a_campaign_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["hostile", "--readers", "boards .yaml", "--cases", "10", "--folder", str(tmp_path)])
    for total in (10, 20):
        hostile.main()
        assert f"{total} files in" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_no_reader_comes_to_harm(name):
    campaign = hostile.Campaign(next=1000)
    hostile.run(READERS[name], campaign, 10)
    assert campaign.harmful == []
