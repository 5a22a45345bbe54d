import numpy as np
import pytest

from bkind3d.survey.light import UsualLight, change_light, is_covered, measure_gains, thin_out


def make_scene(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 160, (64, 80, 3), dtype=np.uint8)


def test_the_gain_is_that_of_the_light_though_a_subject_covers_two_fifths() -> None:
    scene = make_scene()
    shown = np.clip(scene * [1.2, 1.1, 0.9], 0, 255).astype(np.uint8)
    shown[:26] = 10
    assert measure_gains(thin_out(shown), thin_out(scene)) == pytest.approx([1.2, 1.1, 0.9], abs=0.01)


def test_a_light_that_hardly_changes_is_the_same_picture() -> None:
    scene = make_scene()
    gains = measure_gains(thin_out((scene * 1.004).astype(np.uint8)), thin_out(scene))
    assert gains.tolist() == [1, 1, 1]
    assert change_light(scene, gains) is scene


def test_what_is_black_or_overexposed_says_nothing_about_the_light() -> None:
    assert measure_gains(np.full((9, 9, 3), 60, np.uint8), np.full((9, 9, 3), 10, np.uint8)).tolist() == [1, 1, 1]
    assert measure_gains(np.full((9, 9, 3), 255, np.uint8), np.full((9, 9, 3), 200, np.uint8)).tolist() == [1, 1, 1]


def test_light_is_changed_and_saturates() -> None:
    changed = change_light(np.full((4, 5, 3), (100, 200, 50), np.uint8), np.array([1.5, 1.5, 0.5]))
    assert changed[0, 0].tolist() == [150, 255, 25]


def test_something_before_the_lens_covers_the_scene_and_a_large_subject_does_not() -> None:
    scene = make_scene()
    cloth = np.full_like(scene, 90)
    large = scene.copy()
    large[:26] = 20
    assert is_covered(cloth, scene, np.ones(3), 14)
    assert not is_covered(large, scene, np.ones(3), 14)
    assert not is_covered(scene, scene, np.ones(3), 14)


def test_a_plain_floor_is_not_covered_by_its_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 2, (2, 64, 80, 3))
    first, second = (np.clip(200 + layer, 0, 255).astype(np.uint8) for layer in noise)
    assert not is_covered(first, second, np.ones(3), 14)


def test_the_grid_is_small_and_spans_the_picture() -> None:
    thinned = thin_out(np.zeros((5, 480, 640, 3), np.uint8))
    assert thinned.shape[0] == 5
    assert 30 <= thinned.shape[1] <= 34
    assert 40 <= thinned.shape[2] <= 44


@pytest.mark.parametrize("seed", range(6))
def test_what_is_told_to_be_usual_quickly_is_usual(seed: int) -> None:
    generator, scene = np.random.default_rng(seed), make_scene(seed)
    usual, said = UsualLight(scene, 14), []
    for strength in (0.0, 0.004, 0.012, 0.02, 0.2):
        for covered in (0, 20, 40, 64):
            light = 1 + strength * generator.choice([-1, 1]) * np.array([1, 1, generator.uniform(0, 1)])
            shown = np.clip(scene * light + generator.normal(0, 1, scene.shape) + 0.5, 0, 255).astype(np.uint8)
            shown[:covered] = generator.choice([10, 90, 250])
            gains = measure_gains(shown, scene)
            really = bool((gains == 1).all()) and not is_covered(shown, scene, gains, 14)
            said.append((usual.is_usual(shown), really))
    assert not any(quickly and not really for quickly, really in said)
    assert sum(quickly for quickly, _ in said) >= 2
