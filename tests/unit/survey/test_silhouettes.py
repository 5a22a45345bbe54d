import cv2
import numpy as np
import pytest

from bkind3d.config import SurveyConfig
from bkind3d.survey.background import Background
from bkind3d.survey.silhouettes import SilhouetteFinder, Silhouettes, decode_mask, encode_mask

CONFIG = SurveyConfig(close_px=5)


def make_background() -> Background:
    noise = np.random.default_rng(0).integers(0, 30, (20, 30, 3), dtype=np.uint8)
    picture = 120 + cv2.resize(noise, (240, 160), interpolation=cv2.INTER_CUBIC)
    return Background(picture.astype(np.uint8), np.full((160, 240), 1.0))


def find_silhouettes(picture: np.ndarray, background: Background, config: SurveyConfig) -> Silhouettes:
    return SilhouetteFinder(background, config).find(picture)


def test_a_square_is_found_where_it_is() -> None:
    picture = make_background().picture.copy()
    picture[50:80, 100:140] = (20, 60, 200)
    found = find_silhouettes(picture, make_background(), CONFIG)
    expected = np.zeros((160, 240), np.uint8)
    expected[50:80, 100:140] = 255
    assert np.array_equal(found.mask, expected)
    assert found.clusters.tolist() == [[1200, 119.5, 64.5, 100, 50, 139, 79]]


def test_pixels_with_more_background_than_subject_are_not_the_subjects() -> None:
    shown = cv2.resize(make_background().picture, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    shown[201:319, 403:561] = (20, 60, 200)
    shown[240:245, 300:403] = (20, 60, 200)  # a tail, five quarters of a pixel wide
    picture = cv2.resize(shown, (240, 160), interpolation=cv2.INTER_AREA)
    found = find_silhouettes(picture, make_background(), CONFIG).mask > 0
    # The body covers three quarters of the pixels at its top and bottom, and a quarter at its sides.
    assert found[50:80, 101:140].all() and not found[:, 140:].any() and not found[:50].any() and not found[80:].any()
    assert found[60, 75:101].all() and not found[[59, 61], 75:97].any()  # nearer to the body, gaps are closed


def test_nothing_is_found_in_the_background() -> None:
    found = find_silhouettes(make_background().picture, make_background(), CONFIG)
    assert found.mask.max() == 0
    assert found.clusters.shape == (0, 7)


@pytest.mark.parametrize(("ratio", "kept"), [(0.6, False), (0.3, True)])
def test_an_even_darkening_is_a_shadow_but_only_down_to_a_limit(ratio: float, kept: bool) -> None:
    picture = make_background().picture.copy()
    picture[50:80, 100:140] = (picture[50:80, 100:140] * ratio).astype(np.uint8)
    assert (len(find_silhouettes(picture, make_background(), CONFIG).clusters) == 1) == kept
    assert len(find_silhouettes(picture, make_background(), CONFIG.model_copy(update={"shadow_ratio": 1.0})).clusters) == 1


def test_a_darkening_of_another_colour_is_no_shadow() -> None:
    picture = make_background().picture.copy()
    picture[50:80, 100:140] = (picture[50:80, 100:140] * (0.85, 0.7, 0.55)).astype(np.uint8)
    assert find_silhouettes(picture, make_background(), CONFIG).clusters[0, 0] == pytest.approx(1200, rel=0.03)


def test_without_colour_a_darkening_is_no_shadow() -> None:
    grey = Background(
        cv2.cvtColor(cv2.cvtColor(make_background().picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.full((160, 240), 1.0)
    )
    picture = grey.picture.copy()
    picture[50:80, 100:140] = (picture[50:80, 100:140] * 0.6).astype(np.uint8)
    assert find_silhouettes(picture, grey, CONFIG).clusters[0, 0] == pytest.approx(1200, rel=0.03)


def test_pictures_of_a_noisy_camera_are_averaged() -> None:
    noisy = Background(make_background().picture, np.full((160, 240), 5.0))
    noise = np.random.default_rng(1).normal(0, 5, noisy.picture.shape)
    noise[50:80, 100:140] += 16
    picture = np.clip(noisy.picture + noise, 0, 255).astype(np.uint8)
    # Less than the four standard deviations of a pixel by which one has to differ.
    assert find_silhouettes(picture, noisy, CONFIG).clusters[0, 0] == pytest.approx(1200, rel=0.15)
    assert len(find_silhouettes(picture, noisy, CONFIG).clusters) == 1


def test_contrast_has_to_exceed_the_spread() -> None:
    picture = make_background().picture.copy()
    picture[50:80, 100:140] += np.array([0, 18, 0], np.uint8)
    noisy = Background(make_background().picture, np.full((160, 240), 10.0))
    assert len(find_silhouettes(picture, make_background(), CONFIG).clusters) == 1
    assert len(find_silhouettes(picture, noisy, CONFIG).clusters) == 0


def test_near_pieces_are_one_cluster_and_far_ones_another() -> None:
    picture = make_background().picture.copy()
    for area in (np.s_[50:80, 100:120], np.s_[50:80, 127:140], np.s_[10:25, 10:30]):
        picture[area] = (250, 20, 20)
    found = find_silhouettes(picture, make_background(), CONFIG.model_copy(update={"close_px": 0}))
    assert found.clusters[:, 0].tolist() == [30 * 33, 15 * 20]
    assert found.clusters[0, 3:].tolist() == [100, 50, 139, 79]


def cut_gaps(colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of a square of this colour, and of one through which the background is seen in a gap and in a hole."""
    picture, behind = make_background().picture.copy(), make_background().picture
    picture[40:100, 100:160] = colour
    whole = find_silhouettes(picture, make_background(), CONFIG).mask
    picture[40:100, 128:131] = behind[40:100, 128:131]
    picture[60:68, 110:118] = behind[60:68, 110:118]
    return whole, find_silhouettes(picture, make_background(), CONFIG).mask


def test_gaps_and_holes_of_a_subject_that_hardly_contrasts_are_closed() -> None:
    whole, found = cut_gaps(make_background().picture[40:100, 100:160] + np.array([0, 30, 0], np.uint8))
    assert found[60:68, 110:118].all()
    # Where the gap opens to the outside, its rounded end may lack a pixel or two.
    assert (found != whole).sum() < 10


def test_what_shows_the_background_beside_a_strong_outline_stays_open() -> None:
    whole, found = cut_gaps(np.array([250, 20, 20], np.uint8))
    assert not found[40:100, 128:131].any() and not found[60:62, 110:118].any()
    assert (found != whole).sum() <= 3 * 60 + 8 * 8


def test_specks_are_dropped() -> None:
    picture = make_background().picture.copy()
    picture[::20, ::20] = (255, 0, 0)
    assert len(find_silhouettes(picture, make_background(), CONFIG).clusters) == 0


def test_a_silhouette_is_the_same_in_another_light() -> None:
    picture = make_background().picture.copy()
    picture[50:80, 100:140] = (20, 60, 200)
    expected = find_silhouettes(picture, make_background(), CONFIG).mask
    for gain in (0.85, 1.15):
        dimmed = np.clip(picture * gain, 0, 255).astype(np.uint8)
        assert np.array_equal(find_silhouettes(dimmed, make_background(), CONFIG).mask, expected)


def test_something_before_the_lens_is_no_silhouette() -> None:
    cloth = np.full((160, 240, 3), (70, 64, 60), np.uint8)
    cloth[::2] += 8
    found = find_silhouettes(cloth, make_background(), CONFIG)
    assert found.covered
    assert found.mask.max() == 0
    assert len(found.clusters) == 0


def test_outside_of_the_region_nothing_is_seen() -> None:
    picture = make_background().picture.copy()
    picture[50:80, 40:60] = picture[50:80, 100:140] = (20, 60, 200)
    region = np.zeros((160, 240), bool)
    region[:, 80:] = True
    found = SilhouetteFinder(make_background(), CONFIG, region).find(picture)
    assert found.clusters[:, 1].tolist() == [119.5]


def test_where_the_background_is_hidden_wide_gaps_are_closed_and_elsewhere_not() -> None:
    """A body whose middle, 12 pixels wide, is as its background is thought to be; and two bodies beside each other."""
    behind = make_background()
    picture = behind.picture.copy()
    picture[40:100, 100:134] = picture[40:100, 30:64] = (250, 20, 20)
    picture[40:100, 111:123], picture[40:100, 41:53] = behind.picture[40:100, 111:123], behind.picture[40:100, 41:53]
    hidden = np.zeros((160, 240), bool)
    hidden[45:95, 105:129] = True
    found = find_silhouettes(picture, Background(behind.picture, behind.spread, hidden), CONFIG).mask
    assert found[50:90, 100:134].all()
    assert not found[50:90, 42:52].any()


@pytest.mark.parametrize("width", [48, 50, 1])
def test_masks_survive_their_encoding(width: int) -> None:
    mask = (np.random.default_rng(0).random((40, width)) > 0.5).astype(np.uint8) * 255
    assert np.array_equal(decode_mask(encode_mask(mask)), mask)
