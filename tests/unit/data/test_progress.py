"""Progress of long steps."""

import io
import logging
import sys

import pytest

from bkind3d.data import progress
from bkind3d.data.progress import describe_progress, track


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by half a minute whenever it is looked at."""
    times = iter(range(0, 100_000, 30))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))


def test_a_log_gets_a_line_a_minute_with_the_time_that_is_left(clock, caplog):
    with caplog.at_level(logging.INFO):
        assert list(track(range(6), "predict m1", unit="chunk")) == list(range(6))
    assert [record.message for record in caplog.records] == [
        "predict m1: 2 of 6 chunks (33%), 02:00 left",
        "predict m1: 4 of 6 chunks (67%), 01:00 left",
        "predict m1: 6 of 6 chunks (100%), 00:00 left",
    ]


def test_what_is_short_leaves_no_line(caplog):
    with caplog.at_level(logging.INFO):
        assert list(track(iter("abc"), "x", 3)) == ["a", "b", "c"]
    assert not caplog.records


def test_a_terminal_gets_a_bar(monkeypatch, caplog):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(track(range(3), "survey", unit="frame")) == [0, 1, 2]
    assert "survey: 100%" in terminal.getvalue()
    assert not caplog.records


def test_without_a_total_there_is_no_rest():
    assert describe_progress("x", 5, None, "frame", 9.0) == "x: 5 frames"
    assert describe_progress("training", 50, 200, "step", 3600.0) == "training: 50 of 200 steps (25%), 3:00:00 left"
