import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.joints.model import JointModel, measure_strangeness


def test_a_file_that_is_no_model_is_refused_in_a_line(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="fit the joints again"):
        JointModel.read(tmp_path / "model.npz")


def test_strange_poses_are_less_sure():
    seen = np.zeros((3, 4))
    np.testing.assert_allclose(measure_strangeness(np.array([[0.0] * 4, [2.0] * 4, [6.0] * 4]), seen, 2.0), [1, 2, 4])
