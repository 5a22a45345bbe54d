"""Whole numbers and named paths that are given to the verbs."""

import argparse

import pytest

from bkind3d.cli import VERBS, build_parser, main
from bkind3d.cli.verbs import read_named_paths
from bkind3d.config import InputError


def list_counts() -> dict[tuple[str, str], argparse.Action]:
    """All options that are whole numbers: those that read 5000 as one, or whose default is one."""
    verbs = next(action.choices for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert list(verbs) == list(VERBS)
    return {
        (verb, action.option_strings[0]): action
        for verb, parser in verbs.items()
        for action in parser._actions
        if action.type is int or isinstance(action.default, int) or (action.type and isinstance(action.type("5000"), int))
        if action.nargs != 0
    }


COUNTS = list_counts()
#: Counts that may be none: the first frame, processes beside the one that trains, a seed, and a port that the machine chooses.
MAY_BE_ZERO = [
    ("survey-video", "--start"),
    ("survey-views", "--start"),
    ("train-model", "--workers"),
    ("label", "--seed"),
    ("label", "--port"),
]


def test_the_counts_that_are_tested_are_there():
    known = [("train-model", "--nodes"), ("predict-keypoints", "--batch-size"), ("profile", "--gpus"), ("explain", "--row"), *MAY_BE_ZERO]
    assert set(known) <= set(COUNTS)


@pytest.mark.parametrize(("verb", "option"), COUNTS)
def test_impossible_counts_are_refused_in_one_line(verb, option, capsys):
    for value in ["-1", "x", "1.5", *([] if (verb, option) in MAY_BE_ZERO else ["0"])]:
        with pytest.raises(SystemExit) as ended:
            main([verb, option, value])
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert said.count("\n") == 1
        assert said.startswith(f"bkind3d {verb}: error: argument ")
        assert option in said
        assert value in said
    assert COUNTS[verb, option].type("5000") == 5000
    if (verb, option) in MAY_BE_ZERO:
        assert COUNTS[verb, option].type("0") == 0


def test_names_are_given_once() -> None:
    assert read_named_paths(["a=x", "b=y=z"], "--videos") == {"a": "x", "b": "y=z"}
    with pytest.raises(InputError, match="'a' is given twice"):
        read_named_paths(["a=x", "a=y"], "--videos")
