from bkind3d.data.results import NO_REFERENCE
from bkind3d.evaluation.labels import collect_labels
from bkind3d.report.labels import write_labels
from tests.unit.evaluation.test_labels import OURS, train


def test_a_table_a_figure_and_sentences_are_written_the_same_every_time(tmp_path):
    table = collect_labels([OURS, train(30, 12.0), train(300, 7.0)])
    for folder in ("one", "two"):
        write_labels(table, ["with fewer than 99 labelled frames, ours is better"], tmp_path / folder / "labels.csv")
    assert "- with fewer than 99 labelled frames, ours is better.\n" in (tmp_path / "one/labels.md").read_text()
    assert (tmp_path / "one/labels.csv").read_text().startswith("experiment,method,supervision,labels,")
    for ending in ("csv", "md", "svg", "png"):
        assert (tmp_path / f"one/labels.{ending}").read_bytes() == (tmp_path / f"two/labels.{ending}").read_bytes()


def test_where_nothing_can_be_judged_the_files_say_so(tmp_path):
    write_labels(collect_labels([]), [], tmp_path / "labels.csv")
    assert NO_REFERENCE in (tmp_path / "labels.md").read_text() and NO_REFERENCE in (tmp_path / "labels.svg").read_text()
