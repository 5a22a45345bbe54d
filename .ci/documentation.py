"""Hook of MkDocs: pages that are written elsewhere or generated, links as they are on the site, and equations as MathML.

Pages link to each other as files of the repository do, so that they can be read there, too. What a page links to has to
exist; what is no page of the site (a module, a folder) is named on the site, without a link.
"""

import argparse
import logging
import os
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from bkind3d.cli import build_parser

log = logging.getLogger("mkdocs.hooks.documentation")

ROOT = Path(__file__).resolve().parents[1]
#: Pages of the site that are files outside of docs/.
ELSEWHERE = {
    "index.md": "README.md",
    "settings.md": "config/README.md",
    "cluster.md": "profiles/README.md",
    "figures.md": "benchmarks/README.md",
    "contributing.md": "CONTRIBUTING.md",
}
PICTURES = "benchmarks/figures"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def on_config(config: MkDocsConfig) -> None:
    """Let blocks of code in the language ``math`` be equations."""
    fence = {"name": "math", "class": "math", "format": format_equation}
    config["mdx_configs"]["pymdownx.superfences"] = {"custom_fences": [fence]}


def format_equation(source: str, *_: Any, **__: Any) -> str:
    """MathML of a block of LaTeX; browsers draw it without a script or a font of ours."""
    return f'<div class="math">{convert(source.strip(), display="block")}</div>'


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for name, source in ELSEWHERE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    for path in sorted((ROOT / PICTURES).iterdir()):
        files.append(File.generated(config, f"{PICTURES}/{path.name}", abs_src_path=str(path)))
    files.append(File.generated(config, "verbs.md", content=describe_verbs()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn the repository's links into the site's, outside of code."""
    source = ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    parts = _CODE.split(markdown)
    parts[::2] = [_LINK.sub(lambda match: relink(match, source, page.file.src_uri), part) for part in parts[::2]]
    return "".join(parts)


def relink(match: re.Match[str], source: str, uri: str) -> str:
    """A link of the file `source` as a link of the page `uri`."""
    mark, text, path, anchor = match.groups()
    target = os.path.normpath(os.path.join(os.path.dirname(source), path))
    if not (ROOT / target).exists():
        if target.startswith("docs/"):  # MkDocs says so itself
            return match.group()
        log.warning("%s links to %s, which does not exist", source, path)
        return text
    pages = {file: name for name, file in ELSEWHERE.items()}
    on_site = pages.get(target) or (target if target.startswith(PICTURES) else target.removeprefix("docs/"))
    if target not in pages and not target.startswith((PICTURES, "docs/")) or (ROOT / target).is_dir():
        return text
    return f"{mark}[{text}]({os.path.relpath(on_site, os.path.dirname(uri) or '.')}{anchor or ''})"


def describe_verbs() -> str:
    """The verbs' help as a page."""
    parser = build_parser()
    verbs = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    lines = ["# Verbs", "", "What `bkind3d VERB --help` says, in the order of the pipeline. The workflow calls most of them by itself.", ""]
    for name, sub in verbs.choices.items():
        lines += [f"## `{name}`", "", sub.description or "", "", "| argument | meaning |", "|---|---|"]
        lines += [describe_argument(action) for action in sub._actions if not isinstance(action, argparse._HelpAction)] + [""]
    return "\n".join(lines)


def describe_argument(action: argparse.Action) -> str:
    """A row of a verb's table."""
    choices = "|".join(map(str, action.choices or ()))
    value = "" if action.nargs == 0 else " " + str(action.metavar or choices or action.dest.upper())
    name = ", ".join(action.option_strings) + value if action.option_strings else str(action.metavar or action.dest).upper()
    meaning = [(action.help or "").rstrip(".") + "."]
    if action.required and action.option_strings:
        meaning.append("Needed.")
    elif action.default not in (None, False, argparse.SUPPRESS) and "default:" not in meaning[0]:
        meaning.append(f"Default: `{action.default}`.")
    return " | ".join(["", f"`{name}`".replace("|", r"\|"), " ".join(meaning).replace("|", r"\|"), ""]).strip()
