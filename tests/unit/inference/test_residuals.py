"""Residuals are distances to the silhouettes."""

import numpy as np
import torch

from bkind3d.data.datasets import SessionFrames
from bkind3d.inference.residuals import distance_to, measure_residuals
from tests.unit.scenes import make_body, write_session


def test_residual_is_zero_on_the_body_and_its_distance_beside_it(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    points = torch.from_numpy(np.stack([make_body(12)[2, 0], [0, 0, 60.0]])).float()[None]
    residuals = measure_residuals(points, session.decode(np.array([2])))[0]
    assert residuals[0] == 0
    assert residuals[1] > 5


def test_distance_to_a_mask() -> None:
    mask = np.zeros((9, 9), bool)
    assert distance_to(mask)[0, 0] > 9
    mask[4, 4] = True
    assert abs(distance_to(mask)[4, 8] - 4) < 0.1
    assert distance_to(mask)[4, 4] == 0
