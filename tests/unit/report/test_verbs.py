import argparse

import pytest

from bkind3d.cli import draw_contact_sheets, draw_overlays, plot_figures, write_report
from bkind3d.config import InputError


def run(module, toy, *more):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    config = toy.folder / "config"
    study = ["--results", str(toy.results), "--config", str(toy.results / "config" / "report.json"), "--experiments", *toy.experiments]
    study += ["--sessions", str(config / "sessions.tsv"), "--cameras", str(config / "cameras.tsv"), "--rigs", str(config / "rigs.tsv")]
    module.run(parser.parse_args([*study, *more]))


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
    ("module", "options"), [(draw_overlays, ["--session", "test1", "--output", "a.mp4"]), (draw_contact_sheets, ["--output", "sheets"])]
)
def test_without_pictures_what_shows_them_is_refused(toy, module, options, tmp_path):
    toy.settings = {"pictures": False}
    toy.write()
    with pytest.raises(InputError, match=r"report\.pictures is false"):
        run(module, toy, *options[:-1], str(tmp_path / options[-1]))
    assert not (tmp_path / options[-1]).exists()


def test_an_experiment_without_settings_is_refused(toy):
    toy.write()
    toy.experiments = ("absent",)
    with pytest.raises(InputError, match=r"absent\.json: cannot be read"):
        run(write_report, toy, "--output", str(toy.results / "report.html"))
    assert not (toy.results / "report.html").exists()


def test_a_session_without_cameras_is_refused(toy):
    toy.write()
    sheet = toy.folder / "config" / "cameras.tsv"
    sheet.write_text("\n".join(line for line in sheet.read_text().splitlines() if not line.startswith("test1")))
    with pytest.raises(InputError, match="session 'test1' has no camera"):
        run(write_report, toy, "--output", str(toy.results / "report.html"))
