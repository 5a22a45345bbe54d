import numpy as np
import pytest

from bkind3d.config import ROOMS, Room
from bkind3d.simulation.floors import FLOORS, make_noise, paint_mat


def test_noise_has_unit_variance_at_any_grain():
    for grain in (1.5, 8, 40):
        noise = make_noise(np.random.default_rng(0), 128, grain)
        assert noise.shape == (128, 128)
        assert noise.std() == pytest.approx(1)
    neighbours = [
        np.corrcoef(n[:, :-1].ravel(), n[:, 1:].ravel())[0, 1] for n in (make_noise(np.random.default_rng(0), 128, g) for g in (1.5, 8))
    ]
    assert neighbours[1] > neighbours[0]


def test_the_mat_shows_a_circle():
    mat = paint_mat(np.random.default_rng(0), 200, 0.3, Room()).astype(float).mean(axis=2)
    assert mat[90:110, 90:110].mean() > mat[:10, :10].mean() + 30
    rim = mat[100, 100 + round(200 * 0.312)]
    assert rim < mat[100, 120] - 50


@pytest.mark.parametrize("name", FLOORS)
def test_every_floor_has_its_rooms_colour_and_follows_from_the_seed(name: str) -> None:
    room = next(room for room in ROOMS.values() if room.floor == name)
    first, again, other = (FLOORS[name](np.random.default_rng(seed), 128, 0.3, room) for seed in (0, 0, 1))
    assert first.shape == (128, 128, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.abs(first[48:80, 48:80].mean(axis=(0, 1)) - room.inside).max() < 20
