import numpy as np
import pytest

from bkind3d.config import SurveyConfig
from bkind3d.survey.background import choose_rank, model_background


def make_floor() -> np.ndarray:
    rows, columns = np.mgrid[:96, :128]
    floor = 110 + 12 * np.sin(columns / 5) + 12 * np.cos(rows / 7)
    return np.stack([floor, floor * 0.9, floor * 0.8], axis=-1).astype(np.uint8)


def film(lefts: list[int], noise: float = 1.5) -> np.ndarray:
    """A dark animal of 20 x 24 pixels, its left edge at the given columns."""
    generator = np.random.default_rng(0)
    frames = []
    for left in lefts:
        frame = make_floor().astype(float)
        frame[40:60, left : left + 24] = (50, 35, 30)
        frames.append(np.clip(frame + generator.normal(0, noise, frame.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


def test_an_animal_that_walks_is_not_in_the_background() -> None:
    background = model_background(film(list(range(5, 95, 3))), SurveyConfig())
    assert np.abs(background.picture.astype(int) - make_floor()).max() < 10
    assert 1.0 < np.median(background.spread) < 3.5


def test_an_animal_that_stays_for_most_of_the_time_is_not_in_the_background() -> None:
    lefts = [10 + 2 * step for step in range(10)] + [40] * 40 + [50 + 4 * step for step in range(10)]
    samples = film(lefts)
    inside = np.s_[42:58, 42:62]
    assert np.median(samples, axis=0)[inside].mean() < 60, "the median alone would swallow it"
    background = model_background(samples, SurveyConfig())
    assert np.abs(background.picture[inside].astype(int) - make_floor()[inside]).mean() < 8
    assert np.abs(background.picture.astype(int) - make_floor()).mean() < 2


def test_the_spread_is_the_noise_and_not_the_animal() -> None:
    background = model_background(film([10, 60] * 20, noise=2.0), SurveyConfig())
    assert background.spread.max() <= 3.01 * np.median(background.spread)


def test_one_frame_is_its_own_background() -> None:
    sample = film([20])
    background = model_background(sample, SurveyConfig())
    assert np.array_equal(background.picture, sample[0])


def test_flicker_and_a_hand_before_the_lens_leave_no_trace() -> None:
    samples = film(list(range(5, 95, 3))).astype(float)
    samples *= np.random.default_rng(3).uniform(0.85, 1.15, len(samples))[:, None, None, None]
    samples[5:9] = 60 + np.arange(4)[:, None, None, None]
    background = model_background(np.clip(samples, 0, 255).astype(np.uint8), SurveyConfig())
    light = background.picture.mean() / make_floor().mean()
    assert 0.9 < light < 1.1
    assert np.abs(background.picture - light * make_floor()).max() < 8
    assert np.median(background.spread) < 4


def test_where_somebody_always_stands_the_background_is_hidden() -> None:
    """A body of 24 x 20 pixels with a patch sways by 6 to all sides: the middle of its place is never free."""
    samples = film([200] * 60)
    for sample, (x, y) in zip(samples, np.random.default_rng(0).integers((38, 34), (51, 47), (60, 2)), strict=True):
        sample[y : y + 20, x : x + 24] = (50, 35, 30)
        sample[y + 8 : y + 12, x + 4 : x + 20] = (90, 80, 40)
    background = model_background(samples, SurveyConfig())
    assert background.hidden is not None
    assert background.hidden[47:53, 52:60].all()
    assert not background.hidden[:30].any()
    assert not background.hidden[:, :35].any()


def test_where_nobody_stays_nothing_is_hidden() -> None:
    hidden = model_background(film(list(range(5, 95, 3))), SurveyConfig()).hidden
    assert hidden is None or not hidden.any()


@pytest.mark.parametrize("n_frames", [1, 100, 300])
def test_a_rank_is_what_sorting_says(n_frames: int) -> None:
    values = np.random.default_rng(n_frames).integers(0, 256, (n_frames, 70, 90, 3), dtype=np.uint8)
    for rank in (0, n_frames // 20, n_frames // 2, n_frames - 1):
        assert np.array_equal(choose_rank(values, rank), np.sort(values, axis=0)[rank])
