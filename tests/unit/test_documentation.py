"""The documentation as a site: it builds without a warning, asks no other host for anything, and knows every setting and verb."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bkind3d.cli import VERBS
from bkind3d.data.results import ACTION_COLUMNS, POSE_COLUMNS

ROOT = Path(__file__).parents[2]


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config), "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built as `make docs` does; every broken link, heading or page that is in no menu is a failure."""
    folder = tmp_path_factory.mktemp("site")
    result = build(ROOT / ".ci" / "mkdocs.yml", folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


class Loaded(HTMLParser):
    """What a browser fetches by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "link" and values.get("rel") != "canonical":
            self.addresses.append(values.get("href") or "")
        elif tag != "a":
            self.addresses += [values[key] for key in ("src", "srcset", "poster", "data") if values.get(key)]


def test_no_page_loads_anything_from_another_host(site):
    for page in site.rglob("*.html"):
        found = Loaded()
        found.feed(page.read_text())
        assert found.addresses, page
        assert not [address for address in found.addresses if re.match(r"(https?:)?//", address)], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text()), style


def test_every_setting_and_every_verb_has_its_place(site):
    verbs, settings = (site / "verbs.html").read_text(), (site / "settings.html").read_text()
    assert [verb for verb in VERBS if f"<code>{verb}</code>" not in verbs] == []
    for key in ("neighbour_frames", "correct_offsets", "n_symmetric_pairs"):
        assert f"<code>{key}</code>" in settings


def test_every_column_of_the_result_tables_is_explained():
    page = (ROOT / "docs" / "metrics.md").read_text()
    explained = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line.split(" | ")[0])}
    assert {*POSE_COLUMNS, *ACTION_COLUMNS} - explained == set()


def test_the_rooms_of_the_contribution_guide_are_those_of_the_import_contract():
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where things go")[2].partition("\n## ")[0]
    rows = [set(re.findall(r"`(\w+)`", line.split(" | ")[0])) for line in section.splitlines() if line.startswith("| `")]
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    assert rows == [set(layer.split(" | ")) for layer in contract["layers"] if layer != "__main__"]


def test_decisions_are_numbered_and_in_the_index():
    """`python .ci/write_decisions.py` makes it so."""
    module = runpy.run_path(str(ROOT / ".ci" / "write_decisions.py"))
    text = (ROOT / "docs" / "decisions.md").read_text()
    head, records = module["read_records"](text)
    assert module["write_records"](head, records) == text, "run: python .ci/write_decisions.py"
    numbers = [record.number for record in records]
    assert numbers == sorted(set(numbers)) and len(numbers) > 100
    for record in records:
        for path in re.findall(r"\]\(\.\./([^)]+)\)", record.code):
            assert (ROOT / path).exists(), f"{record.number} stands in {path}, which is not there"


def test_the_readme_is_short():
    """Picture and command come first, and what cannot be done is said."""
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) < 60
    first = "\n".join(lines[:30])
    assert "](docs/images/" in first and "make demo" in first
    assert "## What it cannot do" in lines


def test_equations_are_drawn_by_the_browser(site):
    page = (site / "method.html").read_text()
    assert page.count("<math") == (ROOT / "docs" / "method.md").read_text().count("```math") > 10
    assert "\\frac" not in page.replace('encoding="application/x-tex"', "")


def test_links_to_nowhere_fail(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    links = "[a page](nowhere.md) [a heading](start.md#nowhere) [a file](../bkind3d/nowhere.py)"
    (tmp_path / "docs" / "metrics.md").write_text(f"# Metrics\n\n{links}\n")
    settings = (ROOT / ".ci" / "mkdocs.yml").read_text().replace("../docs", str(tmp_path / "docs"))
    for ours, place in (
        ("- documentation.py", f"- {ROOT}/.ci/documentation.py"),
        ("[docstrings.py]", f"[{ROOT}/.ci/docstrings.py]"),
        ("[..]", f"[{ROOT}]"),
    ):
        settings = settings.replace(ours, place)
    (tmp_path / "mkdocs.yml").write_text(settings)
    result = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert result.returncode == 1
    for missing in ("nowhere.md", "#nowhere", "nowhere.py"):
        assert missing in result.stderr
    assert "Aborted with 3 warnings" in result.stdout + result.stderr
