"""Which sessions are done."""

import pytest

from bkind3d.study.done import explain_done
from bkind3d.study.opening import load_study
from tests.workflow.tiny_study import write_study


@pytest.mark.parametrize(
    ("done", "lines"),
    [
        ([], []),
        (["s2"], ["experiment tiny: 1 of 3 sessions have keypoints; without: s1, s3"]),
        (["s1", "s2", "s3"], ["experiment tiny: 3 of 3 sessions have keypoints"]),
    ],
)
def test_sessions_that_wait_are_named(tmp_path, done, lines):
    study = write_study(tmp_path / "study", cameras=2, frames=3, sessions="train train test")
    for name in done:
        path = study / "results/experiments/tiny/keypoints" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert explain_done(load_study(folder=study)) == lines
