"""What is spoilt is doubted, and nothing else."""

import numpy as np
import pytest

from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.results import write_json
from bkind3d.evaluation.doubts import measure_doubts
from tests.unit.report.conftest import ToyStudy

PLAIN = ("table", "version")


@pytest.fixture
def study(tmp_path):
    """Three sessions of which nothing can be doubted."""
    toy = ToyStudy(tmp_path, sessions={"a": "train", "b": "train", "c": "test"}, n_frames=30)
    return toy.write().open()


def list_doubts(study):
    return [(m.kind, m.session, m.camera) for m in measure_doubts(study, study.sessions) if m.is_doubtful]


def rewrite(path, kind, change, **metadata):
    table, known = read_table(path, kind), read_metadata(path)
    kept = {key: value for key, value in known.items() if key not in PLAIN}
    write_table(change(table), kind, path, kept | metadata)


def test_of_clean_sessions_nothing_is_doubted(study):
    assert list_doubts(study) == []
    assert {measure.kind for measure in measure_doubts(study, ["a"])} >= {"views", "wide", "empty", "flicker", "jitter", "off"}


def test_a_centre_that_trembles_is_told_from_one_that_walks(study):
    noise = np.random.default_rng(0).normal(0, 12, (30, 3))
    rewrite(
        study.results.location("b"),
        "location",
        lambda table: table.assign(**dict(zip("xyz", table[["x", "y", "z"]].to_numpy().T + noise.T, strict=True))),
    )
    assert list_doubts(study) == [("jitter", "b", "")]


def test_a_camera_whose_outline_contradicts_the_others_is_named(study):
    rewrite(study.results.location("a"), "location", lambda table: table.assign(n_views=1), agreement={"cam1": 0.9, "cam2": 0.2})
    assert list_doubts(study) == [("views", "a", ""), ("outlines", "a", "cam2")]


def test_silhouettes_that_flicker_and_cubes_that_are_too_large_are_found(study):
    areas = np.where(np.arange(30) % 2, 2000.0, 3000.0)
    rewrite(study.results.survey("c", "cam1"), "survey", lambda table: table.assign(area=areas))
    assert list_doubts(study) == [("flicker", "c", "cam1")]
    write_json({"side": 700.0, "units": "mm"}, study.results.cube())
    found = list_doubts(study)
    assert {camera for kind, session, camera in found if session == "a" and kind in ("wide", "empty")} == {"cam1", "cam2"}


def test_keypoints_off_the_silhouettes_or_anywhere_are_found(study):
    agreement = {"fewer_views": [30.0] * 5, "off_left_out": [0.3] * 5, "headings": 0.5}
    rewrite(
        study.results.keypoints("tiny", "c"),
        "keypoints",
        lambda table: table.assign(reprojection_px=9.0, spread=100.0),
        agreement=agreement,
    )
    assert {kind for kind, session, _ in list_doubts(study) if session == "c"} == {"diffuse", "off", "left_out", "unsteady", "headings"}


def test_a_session_that_was_never_located_is_not_doubted(study):
    rewrite(study.results.location("b"), "location", lambda table: table.assign(valid=False))
    assert {measure.session for measure in measure_doubts(study, study.sessions)} == {"a", "c"}
