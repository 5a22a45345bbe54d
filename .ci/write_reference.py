"""Write what is generated from the settings' models: the reference in config/README.md and the JSON schema for editors.

`make reference` runs this; a test fails where the files have drifted from ``bkind3d/config``.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bkind3d.config import PRESETS, ExperimentConfig, Section, StudyConfig

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
        return ", ".join(f"`{choice}`" for choice in choices)
    names = [part.__name__ for part in get_args(annotation) or (annotation,) if isinstance(part, type) and part is not type(None)]
    kind = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(names[0] if names else "str", "text")
    bounds = [f"{sign} {getattr(mark, key):g}" for mark in field.metadata for key, sign in BOUNDS if getattr(mark, key, None) is not None]
    return f"{kind} {', '.join(bounds)}".strip()


def describe_default(field: FieldInfo, key: str, presets: dict[str, dict[str, Any]]) -> str:
    """The default, and that of a preset where it differs."""
    value = field.get_default(call_default_factory=True)
    text = "required" if value is PydanticUndefined else "none" if value is None else f"`{json.dumps(value)}`"
    return text + "".join(f"; {name}: `{json.dumps(values[key])}`" for name, values in presets.items() if key in values)


def format_section(cls: type[Section], path: str, level: int) -> list[str]:
    """Markdown of a section and of those within it."""
    name = path.rsplit(".", 1)[-1]
    presets = {preset: sections.get(name, {}) for preset, sections in PRESETS.items()} if path.startswith("experiments.") else {}
    lines = [
        f"{'#' * level} `{path}`" if path else f"{'#' * level} Top level",
        "",
        " ".join((cls.__doc__ or "").split("\n")[0].split()),
        "",
    ]
    plain = {key: field for key, field in cls.model_fields.items() if find_section(field.annotation)[0] is None}
    if plain:
        lines += ["| key | values | default | meaning |", "|---|---|---|---|"]
        for key, field in plain.items():
            lines.append(f"| `{key}` | {describe_values(field)} | {describe_default(field, key, presets)} | {field.description or ''} |")
        lines.append("")
    for key, field in cls.model_fields.items():
        section, many = find_section(field.annotation)
        if section:
            below = ".".join(part for part in (path, key, "NAME" if many else "") if part)
            lines += format_section(section, below, min(level + (1 if path else 0), 4))
    return lines


def format_readme(text: str) -> str:
    """The README with its generated part anew."""
    reference = "\n".join(format_section(StudyConfig, "", 3)).rstrip()
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{reference}\n\n{END}", text, flags=re.DOTALL)


def format_schema() -> str:
    """JSON schema of a study's settings; sections that a preset fills need not be there."""
    schema = StudyConfig.model_json_schema()
    filled = {name for sections in PRESETS.values() for name in sections}
    experiment = schema["$defs"][ExperimentConfig.__name__]
    experiment["required"] = [key for key in experiment["required"] if key not in filled]
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def main() -> int:
    """Write both files."""
    README.write_text(format_readme(README.read_text()))
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(format_schema())
    return 0


if __name__ == "__main__":
    sys.exit(main())
