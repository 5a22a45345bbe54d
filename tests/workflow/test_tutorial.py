"""First contact: the tutorial's own commands, and the way from a folder of renamed videos to a report by what each command says."""

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bkind3d.study.opening import load_study
from tests.workflow.conftest import ROOT, make_environment

PAGE = ROOT / "docs" / "tutorial.md"
#: What the page calls its folder.
PLACE = "/tmp/rats"
STEPS = "s/^    training:/&\\n      steps: 100/"


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody does who stands in the clone, with the environment activated."""
    script = f"set -eo pipefail; {command}"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=make_environment(), cwd=ROOT, check=False)


def read_steps(folder: Path) -> list[tuple[str, list[str]]]:
    """The page's commands, in `folder`, each with the lines that it says are printed."""
    text = PAGE.read_text().replace(PLACE, str(folder))
    blocks = re.findall(r"^```(bash|text)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    steps: list[tuple[str, list[str]]] = []
    for kind, content in blocks:
        if kind == "bash":
            steps.append((content, []))
        else:
            steps[-1] = (steps[-1][0], content.splitlines())
    return steps


def says(printed: list[str], expected: list[str]) -> bool:
    """Whether lines are as expected; ``...`` stands for any number of lines."""
    if not expected:
        return not printed
    if expected[0] == "...":
        return any(says(printed[start:], expected[1:]) for start in range(len(printed) + 1))
    return bool(printed) and printed[0] == expected[0] and says(printed[1:], expected[1:])


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The folder in which every command of the page was run, and said what the page shows."""
    folder = tmp_path_factory.mktemp("tutorial")
    for command, expected in read_steps(folder):
        result = run(command)
        assert result.returncode == 0, f"{command}\n{result.stderr[-3000:]}"
        printed = (result.stdout if "bkind3d run" not in command else result.stdout + result.stderr).rstrip().splitlines()
        assert not expected or says(printed, expected), f"{command}\nsaid:\n" + "\n".join(printed[-60:])
    return folder


def test_the_page_has_every_command_and_compares_some():
    steps = read_steps(Path("/x"))
    assert [command.split()[0] for command, _ in steps] == ["bkind3d", "bkind3d", "sed", "cut", "bkind3d", "bkind3d", "bkind3d"]
    assert sum(bool(expected) for _, expected in steps) >= 5
    assert says(["a", "b", "c"], ["a", "...", "c"])
    assert not says(["a", "b"], ["a", "...", "c"])
    assert not says(["a", "b"], ["a"])


@pytest.mark.slow
def test_the_tutorial_ends_with_a_report(followed):
    results = followed / "study" / "results"
    assert (results / "report.html").stat().st_size > 10_000
    assert {path.stem for path in (results / "sessions").glob("*.html")} == {"rat1", "rat2", "rat3"}
    assert "mean_pose" in (results / "tables" / "pose.csv").read_text()


def rename(recordings: Path, folder: Path) -> dict[str, str]:
    """Copy the videos to `folder` under names drawn at random: one for each session, one for each camera."""
    draw = random.Random(7)
    names = {path.name: "".join(draw.choices("bdfgklmnprstvz", k=5)) for path in recordings.iterdir() if path.name != "truth"}
    names |= {path.stem: "".join(draw.choices("aeiouxyq", k=4)) for path in recordings.glob("*/*.mp4")}
    folder.mkdir()
    for path in recordings.glob("*/*.mp4"):
        shutil.copy(path, folder / f"{names[path.stem]}_{names[path.parent.name]}.mp4")
    return names


def find_next(result: subprocess.CompletedProcess[str]) -> str:
    """The command that a command's output ends with."""
    lines = (result.stdout + result.stderr).splitlines()
    return [line.strip() for line in lines if re.match("  (bkind3d|snakemake) ", line)][-1]


@pytest.mark.slow
def test_renamed_videos_become_a_report_in_at_most_five_commands(followed, tmp_path):
    """Each command but the first is the one that the command before it prints."""
    names = rename(followed / "recordings", tmp_path / "videos")
    study, command, count = tmp_path / "study", f"bkind3d init {tmp_path}/videos --study {tmp_path}/study --board 7x5:60:45", 0
    while not (study / "results" / "report.html").exists():
        count += 1
        assert count <= 5
        result = run(command)
        assert result.returncode == 0, f"{command}\n{result.stderr[-3000:]}"
        if count == 1:
            made = load_study(folder=study)
            assert set(made.sessions) == {names[rat] for rat in ("rat1", "rat2", "rat3")}
            assert set(made.cameras[names["rat1"]]) == {names[f"cam{number}"] for number in range(1, 5)}
            run(f"sed -i '{STEPS}' {study}/config/config.yaml")
        if not (study / "results" / "report.html").exists():
            command = find_next(result)
    assert "Report: " in result.stderr
