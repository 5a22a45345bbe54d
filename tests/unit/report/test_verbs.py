import argparse
import re

import pytest

from bkind3d.cli.reports import draw_contact_sheets, draw_overlays, plot_figures, write_report
from bkind3d.config import InputError


def run(verb, toy, *more):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    verb.run(parser.parse_args(["--study", str(toy.results / "config" / "study.json"), *more]))


def test_write_report_writes_the_report_or_a_page(toy):
    toy.write()
    report, page = toy.results / "report.html", toy.results / "sessions" / "test1.html"
    run(write_report, toy, "--output", str(report))
    run(write_report, toy, "--session", "test1", "--output", str(page))
    assert "<h1>BKinD-3D report</h1>" in report.read_text()
    assert "<h1>test1</h1>" in page.read_text()


def test_plot_figures_writes_those_of_all_experiments(toy):
    toy.experiments = ("one", "two")
    toy.write()
    run(plot_figures, toy, "--output", str(toy.results / "figures"))
    assert {path.name.split(".")[0] for path in (toy.results / "figures").iterdir()} == {"one", "two"}


def test_without_pictures_figures_show_none(toy):
    toy.settings = {"pictures": False}
    toy.write()
    run(plot_figures, toy, "--output", str(toy.results / "figures"))
    assert {path.name.split(".")[1] for path in (toy.results / "figures").iterdir()} == {
        "pose", "labels", "learning", "confusion", "skeleton"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        (draw_overlays, ["--experiment", "tiny", "--session", "test1", "--output", "a.mp4"]),
        (draw_contact_sheets, ["--experiment", "tiny", "--output", "sheets"]),
    ],
)
def test_without_pictures_what_shows_them_is_refused(toy, verb, options, tmp_path):
    toy.settings = {"pictures": False}
    toy.write()
    with pytest.raises(InputError, match=r"report\.pictures is false"):
        run(verb, toy, *options[:-1], str(tmp_path / options[-1]))
    assert not (tmp_path / options[-1]).exists()


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        (plot_figures, ["--experiments", "absent"], "--experiments: the study has no 'absent'"),
        (draw_overlays, ["--experiment", "absent", "--session", "test1"], "--experiment: the study has no 'absent'"),
        (draw_overlays, ["--experiment", "tiny", "--session", "test2"], "--session: the study has no 'test2'; did you mean 'test1'"),
        (draw_contact_sheets, ["--experiment", "absent"], "--experiment: the study has no 'absent'"),
    ],
)
def test_what_the_study_does_not_have_is_refused(toy, verb, options, message):
    toy.write()
    with pytest.raises(InputError, match=re.escape(message)):
        run(verb, toy, *options, "--output", str(toy.results / "new"))
    assert not (toy.results / "new").exists()


def test_a_file_that_says_nothing_of_a_study_is_refused(toy):
    toy.write()
    (toy.results / "config" / "study.json").write_text('{"sessions": {}}')
    with pytest.raises(InputError, match=r"study\.json: says nothing of a study"):
        run(write_report, toy, "--output", str(toy.results / "report.html"))
    assert not (toy.results / "report.html").exists()
