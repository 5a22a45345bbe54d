"""How a page becomes one HTML file that needs no other."""

import base64
import gzip
import re
from datetime import datetime
from functools import cache
from pathlib import Path

from plotly.offline import get_plotlyjs

from bkind3d import __version__
from bkind3d.data.parquet import replaced_when_complete
from bkind3d.report.captions import TEMPLATES, open_templates
from bkind3d.report.elements import Page

#: The page's scripts, each after those that it imports from.
SCRIPTS = ("document", "canvas", "recording", "views", "space", "player", "charts", "tables", "page")


@cache
def pack_plotly() -> str:
    """The library that draws charts, compressed, as base64: the page unpacks it when the first chart comes into view."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


@cache
def join_scripts() -> str:
    """All scripts as one module. Their imports and exports are for the linter: a page that is opened from disk can import nothing."""
    text = "\n".join((TEMPLATES / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return re.sub(r"^(import .*\n|export )", "", text, flags=re.MULTILINE)


def write_page(page: Page, sessions_folder: str, path: Path) -> None:
    """Render `page` into one file that needs no other; it appears whole or not at all.

    Parameters
    ----------
    page : what to show.
    sessions_folder : where the sessions' pages lie as seen from this one.
    path : the HTML file.
    """
    date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    text = (
        open_templates()
        .get_template("page.html.j2")
        .render(
            page=page,
            version=__version__,
            date=date,
            plotly=pack_plotly(),
            script=join_scripts(),
            session_link=lambda name: f"{sessions_folder}{name}.html",
        )
    )
    with replaced_when_complete(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
