from bkind3d.data.parquet import read_table
from bkind3d.report.learning import build_learning_charts, split_terms


def test_terms_that_are_off_get_no_curve(toy):
    terms = split_terms(read_table(toy.write().open().results.history("tiny"), "history"))
    assert [term for term, _ in terms] == ["total", "silhouette", "coverage", "consistency"]
    assert len(build_learning_charts(terms)) == 4
