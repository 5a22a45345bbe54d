"""Write what is generated from the settings' models: the reference in config/README.md and the JSON schema for editors.

`make reference` runs this; a test fails where the files have drifted from ``bkind3d/config``.
"""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bkind3d.config import DEFAULT_METHOD, ExperimentConfig, Section, StudyConfig, find_settings
from bkind3d.config.methods import METHODS

ROOT = Path(__file__).parents[1]
README = ROOT / "config" / "README.md"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
BEGIN, END = "<!-- settings: written by `make reference` -->", "<!-- end of settings -->"
BOUNDS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


def find_section(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The section that a field holds, and whether the field is a mapping from names to it."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    found = [argument for argument in get_args(annotation) if isinstance(argument, type) and issubclass(argument, Section)]
    return (found[0], get_origin(annotation) is dict) if found else (None, False)


def describe_values(field: FieldInfo) -> str:
    """What a key may be: its choices, or its type and range."""
    annotation = field.annotation
    choices = [choice for part in (annotation, *get_args(annotation)) if get_origin(part) is Literal for choice in get_args(part)]
    if choices:
        is_number = any(get_origin(part) is Annotated for part in get_args(annotation))
        return ", ".join([f"`{choice}`" for choice in choices] + ["or a whole number"] * is_number)
    names = [part.__name__ for part in get_args(annotation) or (annotation,) if isinstance(part, type) and part is not type(None)]
    kind = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(names[0] if names else "str", "text")
    bounds = [f"{sign} {getattr(mark, key):g}" for mark in field.metadata for key, sign in BOUNDS if getattr(mark, key, None) is not None]
    return f"{kind} {', '.join(bounds)}".strip()


def describe_default(field: FieldInfo, key: str, presets: dict[str, dict[str, Any]]) -> str:
    """The default, and that of a preset where it differs."""
    value = field.get_default(call_default_factory=True)
    text = "required" if value is PydanticUndefined else "none" if value is None else f"`{json.dumps(value)}`"
    return text + "".join(f"; {name}: `{json.dumps(values[key])}`" for name, values in presets.items() if key in values)


def format_keys(fields: dict[str, FieldInfo], presets: dict[str, dict[str, Any]]) -> list[str]:
    """Markdown table of keys that hold no section."""
    plain = {key: field for key, field in fields.items() if find_section(field.annotation)[0] is None}
    rows = [
        f"| `{key}` | {describe_values(field)} | {describe_default(field, key, presets)} | {field.description or ''} |"
        for key, field in plain.items()
    ]
    return ["| key | values | default | meaning |", "|---|---|---|---|", *rows, ""] if rows else []


def format_section(cls: type[Section], path: str, level: int) -> list[str]:
    """Markdown of a section and of those within it."""
    title = f"{'#' * level} `{path}`" if path else f"{'#' * level} Top level"
    lines = [title, "", " ".join((cls.__doc__ or "").split("\n")[0].split()), "", *format_keys(cls.model_fields, {})]
    for key, field in cls.model_fields.items():
        section, many = find_section(field.annotation)
        if section and section.model_fields:
            below = ".".join(part for part in (path, key, "NAME" if many else "") if part)
            lines += format_section(section, below, min(level + (1 if path else 0), 4))
    return lines + (format_methods(path) if cls is ExperimentConfig else [])


def format_methods(path: str) -> list[str]:
    """Markdown of the keys that methods add to an experiment, with what their presets say of these and of the common ones."""
    lines = []
    for method in METHODS:
        settings = find_settings(method)
        lines += [f"#### `{path}` with `method: {method}`", "", " ".join((settings.__doc__ or "").split()), ""]
        lines += format_keys({"preset": settings.model_fields["preset"]}, {})
        for key in ("model", "losses", "training"):
            section, common = (cls.model_fields[key].annotation.model_fields for cls in (settings, ExperimentConfig))
            presets = {preset: sections.get(key, {}) for preset, sections in settings.presets.items()}
            told = {name for values in presets.values() for name in values}
            shown = {name: field for name, field in section.items() if name not in common or name in told}
            lines += [f"`{path}.{key}`:", "", *format_keys(shown, presets)] if shown else []
    return lines


def format_readme(text: str) -> str:
    """The README with its generated part anew."""
    reference = "\n".join(format_section(StudyConfig, "", 3)).rstrip()
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{reference}\n\n{END}", text, flags=re.DOTALL)


def format_schema() -> str:
    """JSON schema of a study's settings; an experiment has that of its method."""
    schema = StudyConfig.model_json_schema()
    experiment = schema["$defs"][ExperimentConfig.__name__] = {"anyOf": []}
    for method in METHODS:
        settings = find_settings(method)
        own = settings.model_json_schema()
        own["properties"]["method"] |= {"const": method}
        own["required"] += [] if method == DEFAULT_METHOD else ["method"]
        schema["$defs"] |= own.pop("$defs") | {settings.__name__: own}
        experiment["anyOf"].append({"$ref": f"#/$defs/{settings.__name__}"})
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def main() -> int:
    """Write both files."""
    README.write_text(format_readme(README.read_text()))
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(format_schema())
    return 0


if __name__ == "__main__":
    sys.exit(main())
