"""What is said before a run of what its end would say."""

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.joint_files import make_joints
from bkind3d.data.parquet import write_table
from bkind3d.evaluation.prospects import check_budgets, remark_on_evaluation
from tests.unit.study.conftest import configure, make_folder

NAMES = tuple(f"j{index:02d}" for index in range(5))
SHEET = "session\tsubject\trig\tsplit\tstart\tstop\tjoints\tbehaviours\n"
PREDICTED = "a\tm1\tbox\ttrain\t\t\ta.parquet\ta_does.parquet\nb\tm2\tbox\ttest\t\t\tb.parquet\tb_does.parquet\n"


@pytest.fixture
def judged(tmp_path):
    """A study whose two sessions have joints and behaviours, in enough frames."""
    folder = make_folder(tmp_path)
    (folder / "config/sessions.tsv").write_text(SHEET + PREDICTED)
    for session in "ab":
        write_joints(folder, session)
        does = pd.DataFrame({"frame": range(60), "behaviour": ["rest", "walk"] * 30})
        write_table(does, "behaviours", folder / f"rec/{session}_does.parquet")
    return folder


def write_joints(folder, session, names=NAMES, unknown=(), frames=60, known=60):
    """Joints of every frame; those that are `unknown` have a position in the first `known` frames alone."""
    positions = np.random.default_rng(0).normal(size=(frames, len(names), 3))
    positions[known:, [names.index(name) for name in unknown]] = np.nan
    write_table(make_joints(np.arange(frames), names, positions), "joints", folder / f"rec/{session}.parquet")


def say(folder, **evaluation):
    study = configure(folder, experiments={"one": {"frames": "subject", "evaluation": evaluation}})
    return remark_on_evaluation(study)


def test_what_can_be_judged_is_not_remarked(judged):
    assert say(judged) == []
    assert say(judged, regressor="ridge", split="blocks") == []


def test_a_joint_that_is_hardly_known_is_named_with_what_to_do(judged):
    write_joints(judged, "a", unknown=["j00"], known=4)
    (line,) = say(judged, regressor="ridge")
    assert line == (
        "experiment one: its keypoints will not be evaluated: joint 'j00' is known in 4 training frames, 10 are needed; label more frames, "
        "or leave its rows out of the files; the run goes on, and its report says so"
    )
    write_joints(judged, "a", unknown=["j00"], known=20)
    (line,) = say(judged)
    assert "'j00' is known in 20 training frames, 43 are needed" in line and "evaluation.regressor to ridge" in line
    assert say(judged, regressor="ridge") == []


def test_frames_that_are_not_kept_do_not_count(judged):
    settings = {"framesets": {"subject": {"step": 5}}}
    configure(judged, **settings)
    (line,) = say(judged)
    assert "is known in 12 training frames" in line
    assert say(judged, regressor="ridge") == []
    (judged / "config/sessions.tsv").write_text(SHEET + PREDICTED.replace("train\t\t\t", "train\t10\t40\t"))
    (line,) = say(judged, regressor="ridge")
    assert "is known in 6 training frames, 10 are needed" in line


def test_joints_that_cannot_be_compared_are_told_beforehand(judged):
    write_joints(judged, "b", names=(*NAMES[:4], "tail"))
    assert "joint 'j04' is in the joints of a alone" in say(judged)[0]
    (judged / "rec/b.parquet").write_bytes(b"nothing of the kind")
    assert "b.parquet: cannot be read as Parquet" in say(judged)[0]
    write_joints(judged, "b")
    assert "evaluation.root is 'nose'" in say(judged, root="nose")[0]
    (judged / "config/sessions.tsv").write_text(SHEET + PREDICTED.replace("test", "predict"))
    pose, actions = say(judged)
    assert "joints are not in both train and test sessions (train: a, test: none)" in pose and "blocks" in pose
    assert "they are not in both train and test sessions (train: a, test: none)" in actions


def test_behaviours_of_one_kind_are_told_beforehand(judged):
    write_table(pd.DataFrame({"frame": range(60), "behaviour": "rest"}), "behaviours", judged / "rec/a_does.parquet")
    (line,) = say(judged)
    assert line.startswith("experiment one: its behaviours will not be evaluated: the train sessions have only the behaviour 'rest'; label")


def test_without_annotation_nothing_is_said_or_read(tmp_path):
    assert remark_on_evaluation(configure(make_folder(tmp_path))) == []


@pytest.mark.parametrize(("step", "there"), [(1, 60), (5, 12)])
def test_a_budget_beyond_the_labels_of_kept_frames_is_refused(judged, step, there):
    framesets = {"subject": {"step": step}}
    taught = {"method": "supervised", "frames": "subject"}
    check_budgets(configure(judged, framesets=framesets, experiments={"taught": taught | {"training": {"labels": there}}}))
    with pytest.raises(
        InputError, match=rf"taught\.training\.labels: asks for 100 labelled frames, .* keep {there} with at least 3 joints"
    ):
        check_budgets(configure(judged, framesets=framesets, experiments={"taught": taught | {"training": {"labels": 100}}}))
