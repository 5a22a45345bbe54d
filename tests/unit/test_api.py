"""The page of functions: each says what it does, with shapes, frame of reference or units, errors, and where a formula is from."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
ENTRIES = re.findall(r"^::: (\S+)$", PAGE, flags=re.MULTILINE)
#: What a number is, or in which frame of reference a point stands.
UNITS = re.compile(
    r"world|pixel|shares? |normalised|radian|degree|seconds|\bunits?\b|\bmm\b|voxel|\[0, 1\]|\[-1, 1\]|probability|logits|of any unit|same frame"
)
#: Rooms whose functions are formulas of a paper, or our own.
FORMULAS = ("bkind3d.losses", "bkind3d.evaluation.metrics")
SOURCE = re.compile(r"paper|et al\.|section|our own", re.IGNORECASE)


def find(name: str) -> Any:
    """What a dotted name means."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(find(parent), last)


def list_functions(name: str) -> Iterator[tuple[str, Any, str]]:
    """Functions and methods that an entry of the page shows: name, function, and the docstrings of what it stands in."""
    found = find(name)
    if inspect.isfunction(found):
        yield name, found, ""
        return
    around = inspect.getdoc(found) or ""
    for key, value in vars(found).items():
        ours = getattr(value, "__module__", "").startswith(found.__name__ if isinstance(found, ModuleType) else "bkind3d")
        if key.startswith("_") or not ours and not isinstance(value, property | classmethod | staticmethod):
            continue
        if isinstance(found, ModuleType) and inspect.isclass(value):
            yield from ((inner, function, f"{around}\n{text}") for inner, function, text in list_functions(f"{name}.{key}"))
            continue
        function = inspect.unwrap(getattr(value, "fget", None) or getattr(value, "__func__", value))
        if inspect.isfunction(function):
            yield f"{name}.{key}", function, around


FUNCTIONS = {name: (function, around) for entry in ENTRIES for name, function, around in list_functions(entry)}


def list_arrays(function: Any) -> list[Any]:
    """Annotations of arrays among a function's parameters and what it returns."""
    annotations = list(inspect.get_annotations(function).values())
    flat = [part for one in annotations for part in getattr(one, "__args__", (one,))]
    return [part for part in [*annotations, *flat] if "ndarray" in str(part) or "Tensor" in str(part)]


def test_the_page_shows_what_there_is():
    assert len(ENTRIES) == len(set(ENTRIES)) > 20
    assert len(FUNCTIONS) > 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_and_gives(name):
    function, around = FUNCTIONS[name]
    said = inspect.getdoc(function) or ""
    assert said, "no docstring"
    arrays = list_arrays(function)
    assert not [one for one in arrays if one in (torch.Tensor, np.ndarray)], "an array without the names of its axes"
    assert not arrays or UNITS.search(said + around), "neither units nor a frame of reference"
    raised = {name for name in re.findall(r"^ *raise (\w+)\(", inspect.getsource(function), flags=re.MULTILINE)}
    assert not raised or "Raises" in said, f"raises {', '.join(raised)} and does not say so"
    assert not name.startswith(FORMULAS) or not arrays or SOURCE.search(said + around), "no source of the formula"
