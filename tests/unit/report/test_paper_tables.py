import json

import pandas as pd
import pytest

from bkind3d.config import PaperTableConfig
from bkind3d.data.results import NO_REFERENCE
from bkind3d.report.paper_figures import plot_bars
from bkind3d.report.paper_tables import COLUMNS, collect_table, find_title, list_datasets, print_table, write_table_files
from bkind3d.study.layout import Layout
from bkind3d.study.published import NOT_READABLE, read_published
from tests.unit.report.test_tables import action_row, pose_row

SETTINGS = {"title": "Main & all", "rows": {"one": "First_one", "two": "Second"}, "published": "human36m"}


@pytest.fixture
def results(tmp_path):
    def write(name, file, **content):
        path = tmp_path / "results" / "experiments" / name / "evaluation" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    known = {"interval_unit": "second", "pa_mpjpe_ci_low": 16.0, "pa_mpjpe_ci_high": 30.0, "supervision": "none"}
    for name, error in (("one", 17.5), ("two", 18.25)):
        rows = [pose_row(name, pa_mpjpe=error, dataset="human36m", **known)]
        rows += [pose_row(name, method, dataset="human36m", pa_mpjpe=25.0, **known) for method in ("untrained", "mean_pose")]
        write(name, "pose.json", rows=rows)
        acted = [action_row(experiment=name), action_row(experiment=name, features="ground_truth", accuracy=0.7)]
        write(name, "actions.json", rows=acted, differences={"discovered - ground_truth": [-0.01, 0.11]}, bootstrap={"unit": "second"})
    return tmp_path / "results"


def test_every_row_has_its_file_or_its_source(results):
    table = collect_table(
        PaperTableConfig(**SETTINGS), Layout(results), {"two": {"vs_first": 0.75, "vs_first_ci_low": 0.5, "vs_first_ci_high": 1.0}}
    )
    assert tuple(table) == COLUMNS["pose"]
    measured, published = (table[table["origin"] == origin] for origin in ("measured", "published"))
    assert list(measured["name"]) == ["First_one", "Second", "untrained network (floor)", "mean pose (floor)"]
    assert all((results.parent / source).exists() for source in measured["source"])
    assert list(measured["vs_first"].fillna(0)) == [0, 0.75, 0, 0]
    assert len(published) == len(read_published("human36m", "pose"))
    assert published["source"].ne("").all()
    assert published["experiment"].isna().all()


def test_what_could_not_be_read_has_no_number(results):
    for row in read_published():
        assert row["source"]
        for key in ("mpjpe", "n_mpjpe", "pa_mpjpe", "accuracy"):
            assert row[key] in ("", NOT_READABLE) or 0 < float(row[key]) < 1000
    bars = [row for row in read_published(measure="pose") if "bar chart" in row["source"]]
    assert len(bars) == 5
    assert {row["pa_mpjpe"] for row in bars} == {NOT_READABLE}
    table = collect_table(PaperTableConfig(**SETTINGS), Layout(results), {})
    printed = print_table(PaperTableConfig(**SETTINGS), table).set_index("method")
    assert printed.loc["Usman et al. 2021 (MetaPose)", "PA-MPJPE"] == NOT_READABLE
    assert printed.loc["Usman et al. 2021 (MetaPose)", "MPJPE"] == ""
    figure = plot_bars(PaperTableConfig(**SETTINGS), table)
    (axes,) = figure.axes
    bars = [patch for patch in axes.patches if patch.get_width() > 0]
    hatched = [patch for patch in bars if patch.get_hatch()]
    numbers = table["pa_mpjpe"].map(lambda value: isinstance(value, float))
    assert len(bars) == numbers.sum()
    assert len(axes.get_yticklabels()) == len(table) - 1, "of a row whose PA-MPJPE nobody published there is nothing to draw"
    assert len(hatched) == (numbers & (table["origin"] == "published")).sum()
    assert sum(NOT_READABLE in text.get_text() for text in axes.texts) == (table["pa_mpjpe"] == NOT_READABLE).sum()


def test_what_could_not_be_measured_says_so(results):
    path = results / "experiments" / "two" / "evaluation" / "pose.json"
    row = pose_row("two", regressor=NO_REFERENCE, mpjpe=None, n_mpjpe=None, pa_mpjpe=None, n_frames=None)
    path.write_text(json.dumps({"rows": [row]}))
    settings = PaperTableConfig(**SETTINGS)
    printed = print_table(settings, collect_table(settings, Layout(results), {})).set_index("method")
    assert printed.loc["Second", "MPJPE"] == NO_REFERENCE
    assert printed.loc["Second", "PA-MPJPE"] == ""
    assert any(NO_REFERENCE in text.get_text() for text in plot_bars(settings, collect_table(settings, Layout(results), {})).axes[0].texts)


def test_titles_of_simulated_data_say_so(results):
    settings = PaperTableConfig(**SETTINGS)
    assert find_title(settings, list_datasets(collect_table(settings, Layout(results), {}))) == "Main & all"
    assert find_title(settings, ["human36m", "simulated_human36m"]) == "SIMULATED: Main & all"


def test_actions_show_the_paired_difference_to_joints(results):
    settings = PaperTableConfig(**SETTINGS, measure="actions")
    table = collect_table(settings, Layout(results), {})
    assert tuple(table) == COLUMNS["actions"]
    printed = print_table(settings, table).set_index("method")
    assert printed.loc["First_one", "minus joints"] == "[-1.0, 11.0]"
    assert printed.loc["First_one", "accuracy %"] == "75.0"
    assert printed.loc["BKinD-3D keypoints (Sun et al. 2023), 16 actions", "accuracy %"] == "64.9"


def test_files_are_csv_markdown_and_latex(results, tmp_path):
    settings = PaperTableConfig(**SETTINGS)
    write_table_files(settings, collect_table(settings, Layout(results), {}), "main", tmp_path / "out")
    read = pd.read_csv(tmp_path / "out" / "main.csv")
    assert tuple(read) == COLUMNS["pose"]
    assert read.loc[0, "pa_mpjpe"] == "17.5"
    latex = (tmp_path / "out" / "main.tex").read_text()
    assert r"First\_one" in latex
    assert r"\caption{Main \& all." in latex
    assert r"\toprule" in latex
    assert (tmp_path / "out" / "main.md").read_text().count("\n|") == len(read) + 2


def test_names_of_users_stay_text_in_every_format(results, tmp_path):
    harm = r"=HYPERLINK(\"x\")|<script> \input{x}$^~{"
    settings = PaperTableConfig(title=r"\input{/etc/passwd} $x$ ~^{", rows={"one": harm, "two": "- edges"})
    write_table_files(settings, collect_table(settings, Layout(results), {}), "main", tmp_path)
    assert pd.read_csv(tmp_path / "main.csv").loc[:1, "name"].tolist() == [f"'{harm}", "'- edges"]
    latex = (tmp_path / "main.tex").read_text()
    assert r"\caption{\textbackslash{}input\{/etc/passwd\} \$x\$ \textasciitilde{}\textasciicircum{}\{." in latex
    assert r"\textbackslash input\{x\}\$" in latex and r"\input" not in latex.replace(r"\textbackslash{}input", "")
    text = (tmp_path / "main.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.replace(r"\|", "").count("|") for row in rows}) == 1 and "<script" not in text
