"""How templates are filled in: a page becomes one HTML file that needs no other, a caption one line of text."""

import base64
import gzip
import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from plotly.offline import get_plotlyjs

from bkind3d import __version__
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.elements import Page

TEMPLATES = Path(__file__).parent / "templates"
#: The page's scripts, each after those that it imports from.
SCRIPTS = ("document", "canvas", "recording", "views", "space", "player", "charts", "tables", "page")


@cache
def open_templates() -> jinja2.Environment:
    """The templates of pages and captions."""
    loader, escaped = jinja2.FileSystemLoader(TEMPLATES), jinja2.select_autoescape(["html.j2"], default=False)
    return jinja2.Environment(loader=loader, autoescape=escaped, undefined=jinja2.StrictUndefined, trim_blocks=True)


def write_caption(name: str, /, **values: Any) -> str:
    """Fill in the caption `name`; it becomes one line of plain text."""
    caption = getattr(open_templates().get_template("captions.j2").module, name)
    return " ".join(caption(**values).split())


@cache
def pack_plotly() -> str:
    """The library that draws charts, compressed, as base64: the page unpacks it when the first chart comes into view."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


@cache
def join_scripts() -> str:
    """All scripts as one module. Their imports and exports are for the linter: a page that is opened from disk can import nothing."""
    text = "\n".join((TEMPLATES / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return re.sub(r"^(import .*\n|export )", "", text, flags=re.MULTILINE)


@cache
def name_script(text: str) -> str:
    """How the page's policy names a script: by its content, so that no other one runs."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def write_page(page: Page, sessions_folder: str, path: Path) -> None:
    """Render `page` into one file that needs no other, whole or not at all; `sessions_folder` is where the sessions' pages lie as seen from it."""
    date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    packed = {"plotly": pack_plotly(), "script": join_scripts()}
    trusted = " ".join(f"'{name_script(text)}'" for text in (join_scripts(), get_plotlyjs()))
    template, link = open_templates().get_template("page.html.j2"), lambda name: f"{sessions_folder}{name}.html"
    text = template.render(page=page, version=__version__, date=date, session_link=link, trusted=trusted, **packed)
    with replaced_when_complete(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
