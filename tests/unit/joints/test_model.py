import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.points import Points
from bkind3d.joints.model import JointModel, measure_strangeness
from bkind3d.joints.regression import Regressor


def test_a_file_that_is_no_model_is_refused_in_a_line(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="fit the joints again"):
        JointModel.read(tmp_path / "model.npz")


def test_strange_poses_are_less_sure():
    seen = np.zeros((3, 4))
    np.testing.assert_allclose(measure_strangeness(np.array([[0.0] * 4, [2.0] * 4, [6.0] * 4]), seen, 2.0), [1, 2, 4])


def test_a_session_without_any_keypoint_has_no_joint():
    names = ("a", "b", "c")
    regressor = Regressor([np.arange(2)], [lambda features: np.zeros((len(features), 6))], ())
    model = JointModel(names, ("nose", "tail"), regressor, 0.1, np.ones(3), np.zeros((1, 9)), 1.0, np.ones(2))
    nowhere = Points(names, np.arange(4), np.arange(4) / 10, np.full((4, 3, 3), np.nan))
    positions, radii = model.predict(nowhere)
    assert positions.shape == (4, 2, 3) and np.isnan(positions).all() and np.isnan(radii).all()
