import numpy as np
import pytest

from bkind3d.config import JointsConfig
from bkind3d.data.points import Points
from bkind3d.joints.fitting import LabelledSession, fit_joints
from bkind3d.joints.model import JointModel
from tests.unit.scenes import make_body

#: Joints as shares of the body's four points.
MIX = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.3, 0.7]], dtype=float)
NAMES = ("nose", "back", "tail")


def make_session(number, frames=120, labelled=None, noise=0.5, names=NAMES):
    """Keypoints of a body, with noise, and joints that follow from it, known in the first of its frames or in all."""
    body, generator = make_body(frames, seed=number), np.random.default_rng(number)
    time = np.arange(frames) / 10
    seen = body + generator.normal(scale=noise, size=body.shape)
    keypoints = Points(("k0", "k1", "k2", "k3"), np.arange(frames), time, seen, {"units": "mm"}, confidences=np.ones(body.shape[:2]))
    joints = np.einsum("jk,fkc->fjc", MIX, body)
    kept = np.arange(frames)[:: frames // (labelled or frames)]
    return LabelledSession(f"s{number}", f"s{number}", keypoints, Points(names, kept, np.full(len(kept), np.nan), joints[kept])), joints


def measure(model: JointModel, number):
    entry, truth = make_session(number)
    found, spreads = model.predict(entry.keypoints)
    errors = np.linalg.norm(found - truth, axis=2)
    return errors.mean(), (errors <= spreads).mean()


@pytest.fixture(scope="module")
def fitted():
    return fit_joints([make_session(number, labelled=40)[0] for number in range(4)], JointsConfig())


def test_joints_of_an_unseen_subject_are_found_wherever_it_turns(fitted):
    error, covered = measure(fitted.model, 9)
    assert error < 1.5  # the body is 60 long, the noise of each coordinate 0.5
    assert 0.8 < covered <= 1
    assert fitted.summary["folds"] == "subject" and fitted.summary["unit"] == "second"


def test_the_regression_is_the_one_that_does_best_on_subjects_held_out(fitted):
    errors = fitted.summary["errors"]
    assert set(errors) == {"linear", "ridge", "kernel", "shared"}
    assert fitted.summary["regressor"] == min(errors, key=errors.get)
    assert errors[fitted.summary["regressor"]] == pytest.approx(fitted.summary["error"])


@pytest.mark.parametrize("kind", ["linear", "ridge", "kernel", "shared"])
def test_a_stored_model_finds_the_same(kind, tmp_path):
    fitted = fit_joints([make_session(number)[0] for number in range(2)], JointsConfig(regressor=kind))
    assert fitted.summary["regressor"] == kind
    fitted.model.write(tmp_path / "model.npz", {"level": 0.9})
    stored, notes = JointModel.read(tmp_path / "model.npz")
    keypoints = make_session(7)[0].keypoints
    for one, other in zip(fitted.model.predict(keypoints), stored.predict(keypoints), strict=True):
        np.testing.assert_array_equal(one, other)
    assert notes == {"level": 0.9}


def test_more_labels_bring_less_and_less(fitted):
    errors = [entry["error"] for entry in fitted.summary["curve"]]
    assert errors[-1] < errors[0]
    gain = fitted.summary["gain"]
    assert 0 <= gain["low"] <= gain["expected"] <= gain["high"] < errors[0]


def test_too_few_labels_are_said_and_nothing_is_found():
    entry = make_session(1, labelled=4)[0]
    model, summary = fit_joints([entry], JointsConfig())
    assert "label more frames" in summary["reason"] and summary["joints"] == {}
    positions, spreads = model.predict(entry.keypoints)
    assert positions.shape == (120, 0, 3) and spreads.shape == (120, 0)


def test_the_fewest_labels_that_are_enough_have_intervals():
    fitted = fit_joints([make_session(number, labelled=5)[0] for number in range(2)], JointsConfig())
    assert fitted.summary["n_frames"] == 10 and np.isfinite(fitted.summary["error"]) and fitted.summary["regressor"] != "linear"
    error, covered = measure(fitted.model, 9)
    assert error < 6 and covered > 0.5


def test_a_joint_that_is_labelled_too_rarely_is_left_out_and_said():
    entry = make_session(1)[0]
    entry.joints.positions[5:, 2] = np.nan
    model, summary = fit_joints([entry], JointsConfig())
    assert model.joints == ("nose", "back") and summary["too_few"] == {"tail": 5}


def test_frames_without_keypoints_have_no_joints(fitted):
    keypoints = make_session(8)[0].keypoints
    keypoints.positions[30] = np.nan
    found, spreads = fitted.model.predict(keypoints)
    assert np.isnan(found[30]).all() and np.isnan(spreads[30]).all()
    assert np.isfinite(np.delete(found, 30, axis=0)).all()


def test_the_points_of_a_supervised_method_are_taken_as_they_are():
    entry, _ = make_session(3)
    named = LabelledSession(
        "s", "s", entry.keypoints, Points(("k1", "k3"), np.arange(120), entry.keypoints.time_s, make_body(120, 3)[:, [1, 3]])
    )
    model, summary = fit_joints([named], JointsConfig(), "supervised")
    found, spreads = model.predict(entry.keypoints)
    np.testing.assert_array_equal(found, entry.keypoints.positions[:, [1, 3]])
    errors = np.linalg.norm(found - make_body(120, 3)[:, [1, 3]], axis=2)
    assert 0.88 < (errors <= spreads).mean() < 0.94
    assert summary["regressor"] == "none"
