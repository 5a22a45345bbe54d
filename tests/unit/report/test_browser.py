"""The report in a real browser, from disk, without network."""

import shutil
import subprocess

import pytest

from bkind3d.report.pages import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_charts_are_drawn_without_complaint(toy, tmp_path):
    path = toy.results / "report.html"
    write_report(toy.write().open(), path)
    quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        *quiet,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1200,3000",
    ]
    command += ["--virtual-time-budget=6000", "--enable-logging=stderr", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "main-svg" in done.stdout
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert [line for line in said if "Uncaught" in line or "Refused" in line or "WARN" in line or "rror" in line] == []
