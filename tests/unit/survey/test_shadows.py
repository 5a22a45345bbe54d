import cv2
import numpy as np

from bkind3d.config import SurveyConfig
from bkind3d.survey.shadows import find_shadows, learn_shadows

CONFIG = SurveyConfig()
FLOOR = cv2.resize(np.random.default_rng(0).integers(180, 230, (8, 12), np.uint8), (120, 80), interpolation=cv2.INTER_CUBIC)
FLOOR = np.stack([FLOOR, FLOOR, FLOOR], axis=-1)
SHADOW, BODY = np.s_[50:60, 20:60], np.s_[20:50, 20:60]


def film(shares: np.ndarray | None, shadow: float = 0.7) -> np.ndarray:
    """A shadow, and before it a body of the floor's colour, darkened to `shares`, or a red one."""
    picture = FLOOR.astype(np.float64)
    picture[SHADOW] *= shadow
    picture[BODY] = picture[BODY] * shares[..., None] if shares is not None else (200, 30, 30)
    return np.stack([picture.astype(np.uint8)] * 3)


ROUND = np.linspace(0.52, 0.9, 40)[None].repeat(30, axis=0)


def test_a_subject_of_the_floors_colour_is_no_shadow_where_the_lamps_shadows_are_known() -> None:
    sessions = [film(ROUND), film(None), film(None)]
    usual = learn_shadows(sessions, FLOOR, CONFIG)
    assert usual is not None
    assert usual[0] < 0.7 < usual[1]
    alone, told = (find_shadows(sessions[0][0], FLOOR, CONFIG, known) > 0 for known in (None, usual))
    assert alone[BODY].mean() > 0.9, "without, all of it is taken for one"
    assert told[BODY].mean() < 0.6
    assert told[SHADOW][2:-2, 2:-2].mean() > 0.95


def test_nothing_is_learned_where_the_subject_has_another_colour_or_no_shadow_is_usual() -> None:
    assert learn_shadows([film(None), film(ROUND), film(None)], FLOOR, CONFIG) is None
    spread = [np.stack([(FLOOR * share).astype(np.uint8) for share in np.linspace(0.2, 0.92, 20)])] * 3
    assert learn_shadows(spread, FLOOR, CONFIG.model_copy(update={"shadow_ratio": 0.2})) is None
    assert learn_shadows([np.stack([FLOOR] * 3)] * 2, FLOOR, CONFIG) is None


def test_shadows_darker_than_expected_are_learned_where_the_subject_is_none() -> None:
    sessions = [film(None, 0.3)] * 3
    usual = learn_shadows(sessions, FLOOR, CONFIG)
    assert usual is not None
    assert usual[0] < 0.3 < usual[1] < 0.5
    assert find_shadows(sessions[0][0], FLOOR, CONFIG, usual)[SHADOW][2:-2, 2:-2].mean() > 0.95 * 255
    assert not find_shadows(sessions[0][0], FLOOR, CONFIG, None)[SHADOW].any()


def test_a_dark_subject_is_no_shadow() -> None:
    for share in (0.05, 0.2, 0.3):
        dark = film(None)
        dark[:, *BODY] = round(share * float(FLOOR.mean()))
        dark[:, 5:10, 70:110] = (200, 30, 30)  # a coloured tail
        assert learn_shadows([dark] * 3, FLOOR, CONFIG) is None
        assert not find_shadows(dark[0], FLOOR, CONFIG, None)[BODY].any()


def test_shadows_just_darker_than_expected_lower_the_limit_alone() -> None:
    usual = learn_shadows([film(None, 0.53)] * 3, FLOOR, CONFIG)
    assert usual is not None
    assert usual[1] == 1
    darker = film(None, 0.48)[0]
    assert find_shadows(darker, FLOOR, CONFIG, usual)[SHADOW][2:-2, 2:-2].all()
    assert not find_shadows(darker, FLOOR, CONFIG, None)[SHADOW].any()
