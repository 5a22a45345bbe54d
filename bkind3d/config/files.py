"""Texts that anybody may have written: read within bounds, and refused in one line."""

import json
import math
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from bkind3d.config.errors import InputError

#: Bytes of a text. YAML, which is read slowly, and which nobody writes by the megabyte, has fewer.
MOST_BYTES, MOST_BYTES_YAML = 2**28, 2**19
#: Values of a YAML file, those that an alias stands for counted wherever it stands, and how deep they may lie in each other.
_MOST_VALUES, _DEEPEST = 100_000, 32
#: Digits of a whole number, and letters of a word.
_MOST_DIGITS, _LONGEST = 18, 100_000

#: Finds the values within a value, and the word of one that has none; is told where it stands.
Look = Callable[[Any, str | Path], tuple[Iterable[Any] | None, str]]


def read_bytes(path: str | Path, remedy: str = "check the path", most: int = MOST_BYTES) -> bytes:
    """Read a file, which has at most `most` bytes: no device, no pipe.

    Raises
    ------
    InputError : where it cannot be read, or is none.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(path, "is no file", remedy)
        if status.st_size > most:
            raise InputError(path, f"has {status.st_size / 2**20:.0f} MB, more than such a file can have ({most / 2**20:.3g})", remedy)
        return Path(path).read_bytes()
    except InputError:
        raise
    except (OSError, ValueError) as error:  # a path may hold what no path can
        raise InputError(path, f"cannot be read ({getattr(error, 'strerror', error)})", remedy) from None


def read_text(path: str | Path, remedy: str = "check the path", most: int = MOST_BYTES) -> str:
    """Read a text in UTF-8; refuse what :func:`read_bytes` refuses."""
    try:
        return read_bytes(path, remedy, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not a text in UTF-8 ({error.reason} at byte {error.start})", "save it as such") from None


def read_values(path: str | Path, remedy: str = "check the path") -> Any:
    """Read the JSON or YAML file at `path`; refuse keys that are there twice, and values beyond all that settings need."""
    kind, parse, most = ("JSON", _parse_json, MOST_BYTES) if Path(path).suffix == ".json" else ("YAML", _parse_yaml, MOST_BYTES_YAML)
    text = read_text(path, remedy, most)
    try:
        return parse(text, path)
    except InputError:
        raise
    except RecursionError:
        raise InputError(path, "has too many values in each other", "write out what is meant") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(path, f"is not valid {kind}: {' '.join(str(error).split())}") from None


def check_values(values: Any, where: str | Path, most: float = math.inf) -> None:
    """Refuse values that nobody means: that hold themselves, lie too deep in each other, are more than `most`, or too long."""
    _Measure(where, _look_at_value, most).measure(values)


def _parse_json(text: str, path: str | Path) -> Any:
    def read_integer(digits: str) -> int:
        if len(digits) > _MOST_DIGITS:
            raise ValueError(f"a number of {len(digits)} digits")
        return int(digits)

    values = json.loads(text, parse_int=read_integer)
    check_values(values, path)
    return values


def _parse_yaml(text: str, path: str | Path) -> Any:
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    if node is None:
        return None
    _Measure(path, _look_at_node, _MOST_VALUES).measure(node)
    return loader.construct_document(node)


def _look_at_value(value: Any, where: str | Path) -> tuple[Iterable[Any] | None, str]:
    if isinstance(value, dict):
        return [part for entry in value.items() for part in entry], ""
    if isinstance(value, list | tuple):
        return value, ""
    return None, value if isinstance(value, str) else ""


def _look_at_node(node: yaml.Node, where: str | Path) -> tuple[Iterable[Any] | None, str]:
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise InputError(where, f"line {line}: key {name!r} is already in line {lines[name]}", "keep one of them")
            lines[name] = line
        return [part for entry in node.value for part in entry], ""
    if isinstance(node, yaml.SequenceNode):
        return node.value, ""
    if node.tag.endswith(":int") and len(node.value) > _MOST_DIGITS:
        raise InputError(where, f"line {node.start_mark.line + 1}: has a number of {len(node.value)} digits", "correct it")
    return None, node.value


class _Measure:
    """Counts values and how deep they lie, each of them looked at once, however often it is named."""

    def __init__(self, where: str | Path, look: Look, most: float) -> None:
        self.where, self.look, self.most = where, look, most
        #: Values and depth of what was looked at, by identity; none while it is.
        self.known: dict[int, tuple[int, int] | None] = {}

    def measure(self, value: Any, depth: int = 0) -> tuple[int, int]:
        """How many values `value` is, and how deep."""
        if id(value) in self.known:
            found = self.known[id(value)]
            if found is None:
                raise InputError(self.where, "has a value that holds itself", "write out what is meant")
            return self._bound(*found, depth)
        parts, word = self.look(value, self.where)
        if "\0" in word or len(word) > _LONGEST:
            raise InputError(self.where, f"has a word of {len(word)} letters that nobody can mean: {word[:20]!r}", "correct it")
        if parts is None:
            return 1, 0
        self._bound(0, 0, depth)
        self.known[id(value)] = None
        measured = [self.measure(part, depth + 1) for part in parts]
        whole = 1 + sum(size for size, _ in measured), 1 + max((height for _, height in measured), default=0)
        self.known[id(value)] = whole
        return self._bound(*whole, depth)

    def _bound(self, size: int, height: int, depth: int) -> tuple[int, int]:
        if size > self.most:
            raise InputError(self.where, f"stands for more than {self.most:,} values", "write out what is meant")
        if depth + height > _DEEPEST:
            raise InputError(self.where, f"has more than {_DEEPEST} values in each other", "write out what is meant")
        return size, height
