"""A group of settings, how it is read, and what is said when it is wrong."""

import difflib
import json
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

#: No dash first: on a command line that would be an option.
NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_-]*"

Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]


class InputError(ValueError):
    """The user's input or configuration is wrong: one line that says what, where, and what to do (exit code 2)."""


class Section(BaseModel):
    """A group of settings: immutable, and closed to unknown keys and to numbers that JSON cannot hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_keys(cls, values: Any) -> Any:
        for key in values if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                alike = difflib.get_close_matches(str(key), cls.model_fields, n=1)
                hint = f"did you mean {alike[0]!r}?" if alike else "config/README.md has all keys"
                raise PydanticCustomError("unknown_key", "{hint}", {"key": str(key), "hint": hint})
        return values


SectionT = TypeVar("SectionT", bound=Section)


def describe_validation_error(error: ValidationError, source: str) -> str:
    """One line for the first problem that pydantic found: file, key, what was found, what is allowed."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    found = problem.get("input")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = re.sub(r"^Value error, ", "", problem["msg"])
    if problem["type"] == "unknown_key":
        return f"{source}: unknown key {'.'.join(filter(None, (key, problem['ctx']['key'])))!r}; {message}{more}"
    if problem["type"] == "missing":
        return f"{source}: key {key!r} is missing{more}"
    if isinstance(found, dict | list):
        return f"{source}: {key + ': ' if key else ''}{message}{more}"
    return f"{source}: key {key!r} is {found!r}: {message}{more}"


def parse_section(cls: type[SectionT], values: Any, source: str) -> SectionT:
    """Validate `values` as a `cls`; raise :class:`InputError` with one line naming `source` and the key."""
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise InputError(describe_validation_error(error, source)) from None


def read_values(path: str | Path) -> Any:
    """Read the JSON or YAML file at `path`."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text in UTF-8 ({error}); save it as such") from None
    try:
        if path.suffix == ".json":
            return json.loads(text)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _check_keys(node, path)
        return loader.construct_document(node) if node is not None else None
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{path}: is not valid {path.suffix[1:].upper()}: {line}") from None


def _check_keys(node: yaml.Node | None, path: Path) -> None:
    """Refuse a key that is there twice, of which YAML would silently keep the last."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _check_keys(entry, path)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise InputError(f"{path}: line {line}: key {name!r} is already in line {lines[name]}; keep one of them")
            lines[name] = line
            _check_keys(value, path)


def read_section(cls: type[SectionT], path: str | Path) -> SectionT:
    """Read one section from the JSON or YAML file at `path`."""
    return parse_section(cls, read_values(path) or {}, str(path))
