"""A group of settings, how it is read, and what is said when it is wrong."""

import difflib
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from bkind3d.config.errors import InputError
from bkind3d.config.files import read_values

#: No dash first: on a command line that would be an option.
NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_-]*"

Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]


#: Seeds have 32 bits, and nothing else is as large.
_LARGEST = 2**32


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

    @model_validator(mode="after")
    def refuse_what_nobody_means(self) -> Self:
        for key, value in vars(self).items():
            if isinstance(value, int | float) and abs(value) > _LARGEST:
                raise PydanticCustomError(
                    "too_large",
                    "{key} is {value}, and no setting is beyond {most}",
                    {"key": key, "value": f"{value:g}", "most": f"{_LARGEST:g}"},
                )
        return self


SectionT = TypeVar("SectionT", bound=Section)


def explain_validation_error(error: ValidationError, source: str) -> InputError:
    """One line for the first problem that pydantic found: file, key, what was found, what is allowed."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    found = problem.get("input")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else problem["msg"]
    if problem["type"] == "unknown_key":
        return InputError(source, f"unknown key {'.'.join(filter(None, (key, problem['ctx']['key'])))!r}", f"{message}{more}")
    if problem["type"] == "missing":
        return InputError(source, f"key {key!r} is missing{more}", "config/README.md has all keys")
    if isinstance(found, dict | list):
        return InputError(source, f"{key + ': ' if key else ''}{message}{more}")
    return InputError(source, f"key {key!r} is {found!r}: {message}{more}")


def parse_section(cls: type[SectionT], values: Any, source: str) -> SectionT:
    """Validate `values` as a `cls`; raise :class:`InputError` with one line naming `source` and the key."""
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise explain_validation_error(error, source) from None


def read_section(cls: type[SectionT], path: str | Path) -> SectionT:
    """Read one section from the JSON or YAML file at `path`."""
    return parse_section(cls, read_values(path) or {}, str(path))
