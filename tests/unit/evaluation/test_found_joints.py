import numpy as np

from bkind3d.config import JointsConfig
from bkind3d.evaluation.found_joints import judge_joints
from bkind3d.evaluation.labelled_frames import TEST, TRAIN
from bkind3d.evaluation.recordings import Recording
from tests.unit.joints.test_fitting import make_session


def make_recording(number, labelled=None):
    entry, _ = make_session(number, labelled=labelled)
    return Recording(entry.session, entry.subject, "train", (0, np.inf), "", {}, {"discovered": entry.keypoints}, entry.joints)


def test_joints_are_judged_on_frames_that_they_were_not_fit_on():
    recordings = [make_recording(number) for number in range(4)]
    parts = [np.full(120, TRAIN if number < 3 else TEST) for number in range(4)]
    judged = judge_joints(recordings, parts, JointsConfig())
    assert judged["n_train"] == 360 and judged["n_frames"] == 120
    assert list(judged["subjects"]) == ["s3"]
    assert 0 < judged["pa_mpjpe"] <= judged["mpjpe"] < 1.5
    assert 0.75 < judged["coverage"] <= 1


def test_too_few_labels_are_said():
    judged = judge_joints([make_recording(1, labelled=4)], [np.full(120, TRAIN)], JointsConfig())
    assert "label more frames" in judged["reason"]
