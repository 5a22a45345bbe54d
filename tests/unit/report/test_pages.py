import base64
import gzip
import json
import re

import pytest

from bkind3d.config import InputError
from bkind3d.data.parquet import read_table, write_table
from bkind3d.evaluation.doubts import measure_doubts
from bkind3d.evaluation.health import examine_sessions
from bkind3d.report.pages import write_report, write_session_page

SECTIONS = ["warnings", "results", "behaviours", "movements", "keypoints-tiny", "learning", "recordings", "calibration", "run"]


def without_data(html):
    """The page without what is packed into it: the charts' library and small pictures, long lines that are no markup."""
    return re.sub(r'<script type="(application/gzip|text/plain)"[^>]*>.*?</script>', "", html, flags=re.DOTALL)


def read_players(html):
    return [json.loads(text) for text in re.findall(r'<figure class="player"[^>]*>\s*<script type="application/json">(.*?)</script>', html)]


def count_moments(player):
    return len(base64.b64decode(player["frames"])) // 4


@pytest.fixture(scope="module")
def report(make_toy, tmp_path_factory):
    """The report of the study as it is, written once."""
    toy = make_toy(tmp_path_factory.mktemp("study"))
    path = toy.results / "report.html"
    write_report(toy.write().open(), path, examine_sessions, measure_doubts)
    return path.read_text()


def test_report_has_all_sections_warnings_first(report):
    assert re.findall(r'<section id="([^"]+)">', report) == SECTIONS
    assert re.findall(r'<a href="#([^"]+)">', report)[: len(SECTIONS)] == SECTIONS


def test_report_loads_nothing(report):
    page = without_data(report)
    (library,) = re.findall(r'<script type="application/gzip" id="plotly">(.*?)</script>', report)
    assert "* plotly.js v" in gzip.decompress(base64.b64decode(library)).decode()[:200]
    assert not re.search(r"https?://", page)
    assert {source.split(",")[0] for source in re.findall(r'src="([^"]*)"', page)} == {"data:image/jpeg;base64", "data:image/webp;base64"}
    assert not re.search(r"url\(|@import", page)
    assert "default-src 'none'" in page


def test_report_shows_what_was_measured(report):
    for text in (
        "BKinD-3D, this run",
        "[18.0, 20.0]",
        "majority class (floor)",
        "No pretrained weights were used",
        "training.steps",
        "j4",
        "0.310",
    ):
        assert text in report


def test_report_links_to_pages_of_sessions(report):
    linked = {address.partition("#")[0] for address in re.findall(r'href="(sessions/[^"]+)"', report)}
    assert linked == {"sessions/train1.html", "sessions/test1.html"}
    assert 'href="doctor.html"' in report


def test_frames_of_the_reports_skeletons_are_limited(toy):
    toy.settings = {"max_frames": 10}
    toy.n_frames = 45
    path = toy.results / "report.html"
    write_report(toy.write().open(), path, examine_sessions, measure_doubts)
    assert [count_moments(player) for player in read_players(path.read_text())] == [9, 9]
    assert "9 of 45 frames" in path.read_text()


def test_sessions_of_the_report_are_limited_unseen_ones_first(toy):
    toy.sessions = {"a": "train", "b": "train", "c": "predict", "d": "test"}
    toy.settings = {"max_sessions": 2}
    path = toy.results / "report.html"
    write_report(toy.write().open(), path, examine_sessions, measure_doubts)
    html = path.read_text()
    assert re.findall(r"drawn onto every view of (\w+)", html) == ["d", "c"]
    assert "Shown: 2 of 4 sessions" in html


def test_several_experiments_share_the_limit(toy):
    toy.experiments, toy.settings = ("one", "two"), {"max_sessions": 2}
    path = toy.results / "report.html"
    write_report(toy.write().open(), path, examine_sessions, measure_doubts)
    html = path.read_text()
    assert len(read_players(html)) == 2
    assert 'id="keypoints-one"' in html
    assert 'id="keypoints-two"' in html


@pytest.mark.parametrize("missing", ["joints", "behaviours", "board"])
def test_what_a_study_lacks_is_said(toy, missing):
    setattr(toy, missing, False)
    path = toy.results / "report.html"
    write_report(toy.write().open(), path, examine_sessions, measure_doubts)
    html = path.read_text()
    assert re.findall(r'<section id="([^"]+)">', html) == SECTIONS
    assert ("calibration was given (given.toml)" if missing == "board" else "no reference") in html


def test_a_study_whose_subject_was_never_located_still_has_a_report(toy):
    toy.located = 0.0
    path = toy.results / "report.html"
    write_report(toy.write().open(), path, examine_sessions, measure_doubts)
    assert "no frame has keypoints" in path.read_text()


def test_session_page_has_the_same_parts(toy):
    path = toy.results / "sessions" / "test1.html"
    write_session_page(toy.write().open(), "test1", path, examine_sessions, measure_doubts)
    html = path.read_text()
    assert re.findall(r'<section id="([^"]+)">', html) == ["warnings", "keypoints-tiny", "recordings", "calibration", "run"]
    assert 'href="../report.html"' in html
    assert "dose 5 mg" in html
    assert "test1_cam2.mp4" in html
    (player,) = read_players(html)
    assert count_moments(player) == toy.n_frames
    assert player["views"]["cameras"] == ["cam1", "cam2"]
    assert not re.search(r"https?://", without_data(html))


def test_without_pictures_no_page_shows_any(toy):
    toy.settings = {"pictures": False}
    study = toy.write().open()
    report, page = toy.results / "report.html", toy.results / "sessions" / "test1.html"
    write_report(study, report, examine_sessions, measure_doubts)
    write_session_page(study, "test1", page, examine_sessions, measure_doubts)
    for path in (report, page):
        html = path.read_text()
        # Clips of movements are drawn from the skeleton alone.
        drawn = re.sub(
            r'<img src="data:image/webp[^"]*" alt="Movement of[^>]*>|<script type="module">.*?</script>', "", html, flags=re.DOTALL
        )
        assert not re.search(r'<img|data:image/|text/plain|class="views"|<video', drawn)
        assert all(player["views"] is None for player in read_players(html))
        assert len(read_players(html)) == (2 if path == report else 1)
        assert "pictures are left out" in html


def test_a_session_is_thinned_to_what_a_page_has_room_for(toy, monkeypatch):
    monkeypatch.setattr("bkind3d.report.pages.POSITIONS", 30)
    monkeypatch.setattr("bkind3d.report.pages.PICTURE_ROOM", 4_000)
    toy.n_frames = 18
    path = toy.results / "sessions" / "test1.html"
    write_session_page(toy.write().open(), "test1", path, examine_sessions, measure_doubts)
    html = path.read_text()
    (player,) = read_players(html)
    assert count_moments(player) == 6
    assert len(base64.b64decode(player["views"]["moments"])) // 4 in (1, 2, 3)
    assert "Thinned: 6 of 18 frames are shown, evenly spread; pictures are thinned to" in html
    (text,) = re.findall(r'<script type="text/plain">(.*?)</script>', html)
    assert len(text) < 4_500


def test_unknown_session_is_refused_in_one_line(toy):
    with pytest.raises(InputError, match="session 'nobody' is not in the sheet"):
        write_session_page(toy.write().open(), "nobody", toy.results / "x.html", examine_sessions, measure_doubts)


def test_text_of_the_sheet_cannot_become_markup(toy):
    toy.write()
    sheet = toy.folder / "config" / "sessions.tsv"
    sheet.write_text(sheet.read_text().replace("5 mg", "<b>5</b> mg & more"))
    path = toy.results / "report.html"
    write_report(toy.open(), path, examine_sessions, measure_doubts)
    html = without_data(path.read_text())
    assert "<b>5" not in html
    assert "&lt;b&gt;5&lt;/b&gt; mg &amp; more" in html


def test_a_report_that_fails_leaves_the_old_one(toy, monkeypatch):
    study = toy.write().open()
    path = toy.results / "report.html"
    path.write_text("old")
    monkeypatch.setattr("bkind3d.report.rendering.pack_plotly", lambda: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        write_report(study, path, examine_sessions, measure_doubts)
    assert path.read_text() == "old"
    assert list(path.parent.glob(".report*")) == []


def test_a_missing_table_is_named(toy):
    study = toy.write().open()
    path = study.results.keypoints("tiny", "test1")
    path.unlink()
    with pytest.raises(InputError, match=re.escape(str(path))):
        write_report(study, toy.results / "report.html", examine_sessions, measure_doubts)


def test_a_method_without_edges_has_pages_and_pictures(toy):
    study = toy.write().open()
    edges = read_table(study.results.edges("tiny"), "edges")
    write_table(edges.iloc[:0], "edges", study.results.edges("tiny"))
    report, page = toy.results / "report.html", toy.results / "page.html"
    write_report(study, report, examine_sessions, measure_doubts)
    write_session_page(study, "test1", page, examine_sessions, measure_doubts)
    assert all(
        "lines are the strongest" not in path.read_text() and read_players(path.read_text())[0]["edges"] == [] for path in (report, page)
    )


def test_a_method_whose_points_are_joints_has_pages(toy):
    toy.supervised = True
    study = toy.write().open()
    report, page = toy.results / "report.html", toy.results / "page.html"
    write_report(study, report, examine_sessions, measure_doubts)
    write_session_page(study, "test1", page, examine_sessions, measure_doubts)
    assert study.config.experiments["tiny"].description.title in report.read_text()
    assert all(read_players(path.read_text())[0]["names"] == ["k00", "k01", "k02", "k03", "k04"] for path in (report, page))
