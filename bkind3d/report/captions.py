"""What sections, tables and charts say in sentences; the wording stands in ``templates/captions.j2``."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent / "templates"


@cache
def open_templates() -> jinja2.Environment:
    """The templates of pages and captions."""
    loader, escaped = jinja2.FileSystemLoader(TEMPLATES), jinja2.select_autoescape(["html.j2"], default=False)
    return jinja2.Environment(loader=loader, autoescape=escaped, undefined=jinja2.StrictUndefined, trim_blocks=True)


def write_caption(name: str, /, **values: Any) -> str:
    """Fill in the caption `name`; it becomes one line of plain text."""
    caption = getattr(open_templates().get_template("captions.j2").module, name)
    return " ".join(caption(**values).split())
