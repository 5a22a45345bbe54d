import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.joints.regression import fit_regressor, make_groups, share_weights

NAMES = ("nose", "tail")


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def weights_of(regressor, n_features):
    """(feature, joint, 3): what a step of one feature changes, given that the map is linear."""
    return regressor.predict(np.eye(n_features)) - regressor.predict(np.zeros((n_features, n_features)))


def test_least_squares_is_the_textbook_solution(generator):
    features, joints = generator.normal(size=(40, 6)) + 3, generator.normal(size=(40, 2, 3))
    regressor = fit_regressor("linear", features, joints, np.arange(40), NAMES)
    design = np.column_stack([features, np.ones(40)])
    solution = np.linalg.solve(design.T @ design, design.T @ joints.reshape(40, 6))
    np.testing.assert_allclose(weights_of(regressor, 6).reshape(6, 6), solution[:6], atol=1e-10)
    np.testing.assert_allclose(regressor.predict(features).reshape(40, 6), design @ solution, atol=1e-10)


def test_of_many_solutions_the_smallest(generator):
    single = generator.normal(size=(30, 1))
    joints = np.repeat(6 * single[:, None], 3, axis=2)
    regressor = fit_regressor("linear", np.repeat(single, 3, axis=1), joints, np.arange(30), ("nose",))
    np.testing.assert_allclose(weights_of(regressor, 3), 2, atol=1e-9)


def test_rounding_is_not_a_direction(generator):
    flat = generator.normal(size=(50, 2))
    features = np.column_stack([flat, flat.sum(axis=1) + 1e-9 * generator.normal(size=50)])
    regressor = fit_regressor("linear", features, np.repeat(flat[:, None, :1], 3, axis=2), np.arange(50), ("nose",))
    assert np.abs(weights_of(regressor, 3)).max() < 2


@pytest.mark.parametrize("kind", ["linear", "ridge"])
def test_each_joint_learns_from_the_frames_that_know_it(kind, generator):
    features = generator.normal(size=(60, 6))
    joints = np.stack([features[:, :3], features[:, 3:] * 2], axis=1)
    joints[:30, 1] = np.nan
    regressor = fit_regressor(kind, features, joints, make_groups(np.zeros(60)), NAMES)
    predicted = regressor.predict(features)
    np.testing.assert_allclose(predicted[:, 1], features[:, 3:] * 2, atol=0.02)
    np.testing.assert_allclose(predicted[:, 0], features[:, :3], atol=0.02)


def test_ridge_shrinks_noise_and_says_how_strongly(generator):
    features, joints = generator.normal(size=(40, 30)), generator.normal(size=(40, 2, 3))
    groups = make_groups(np.zeros(40))
    ridge, linear = (fit_regressor(kind, features, joints, groups, NAMES) for kind in ("ridge", "linear"))
    assert np.abs(weights_of(ridge, 30)).max() < 0.1 * np.abs(weights_of(linear, 30)).max()
    assert ridge.strengths[0] > 100
    clear = fit_regressor("ridge", features, np.stack([features[:, :3]] * 2, axis=1), groups, NAMES)
    assert clear.strengths[0] < 0.1


def test_ridge_does_not_depend_on_the_unit(generator):
    features = generator.normal(size=(60, 6))
    joints = np.stack([features[:, :3]] * 2, axis=1) + generator.normal(size=(60, 2, 3))
    metres, millimetres = (fit_regressor("ridge", features * unit, joints, make_groups(np.zeros(60)), NAMES) for unit in (1, 1000))
    np.testing.assert_allclose(weights_of(millimetres, 6) * 1000, weights_of(metres, 6), rtol=1e-6)


def test_ridge_survives_a_feature_that_never_changes(generator):
    features = generator.normal(size=(60, 6))
    features[:, 2] = 4
    regressor = fit_regressor("ridge", features, np.stack([features[:, :3]] * 2, axis=1), make_groups(np.zeros(60)), NAMES)
    assert np.isfinite(weights_of(regressor, 6)).all()
    assert weights_of(regressor, 6)[2].max() == 0


def test_groups_keep_neighbours_together():
    np.testing.assert_array_equal(make_groups(np.zeros(10)), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    two, sessions = np.repeat(np.arange(2), 5), np.repeat(np.arange(3), 3)
    np.testing.assert_array_equal(make_groups(two), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    np.testing.assert_array_equal(make_groups(sessions), sessions)
    blocks = np.array([0, 0, 2, 2])
    np.testing.assert_array_equal(make_groups(np.zeros(4), blocks), blocks)


def test_too_few_frames_of_a_joint_are_refused(generator):
    joints = generator.normal(size=(40, 2, 3))
    joints[9:, 1] = np.nan
    with pytest.raises(InputError, match="'tail' is known in only 9 training frames"):
        fit_regressor("linear", generator.normal(size=(40, 6)), joints, np.arange(40), NAMES)


def test_the_perceptron_learns_what_no_line_can(generator):
    features = generator.normal(size=(600, 4))
    joints = np.stack([np.abs(features[:, :3]), features[:, 1:] * 2 + 100], axis=1)
    perceptron, linear = (
        fit_regressor(kind, features[:500], joints[:500], make_groups(np.zeros(500)), NAMES) for kind in ("mlp", "linear")
    )
    errors = [np.linalg.norm(regressor.predict(features[500:]) - joints[500:], axis=2).mean() for regressor in (perceptron, linear)]
    assert errors[0] < 0.5 * errors[1]
    assert perceptron.strengths == ()
    again = fit_regressor("mlp", features[:500], joints[:500], make_groups(np.zeros(500)), NAMES)
    np.testing.assert_array_equal(again.predict(features), perceptron.predict(features))


def test_the_perceptron_learns_each_joint_from_the_frames_that_know_it(generator):
    features = generator.normal(size=(300, 4))
    joints = np.stack([features[:, :3], features[:, 1:] * 2], axis=1)
    joints[:150, 1] = np.nan
    predicted = fit_regressor("mlp", features, joints, make_groups(np.zeros(300)), NAMES).predict(features)
    assert np.abs(predicted[:, 0] - features[:, :3]).mean() < 0.2
    assert np.abs(predicted[:, 1] - features[:, 1:] * 2).mean() < 0.4


def test_fewer_frames_than_parameters_are_refused_for_least_squares_only(generator):
    features, joints = generator.normal(size=(20, 24)), generator.normal(size=(20, 2, 3))
    with pytest.raises(InputError, match="known in only 20 training frames, but the linear regression has 22 parameters .* to ridge"):
        fit_regressor("linear", features, joints, make_groups(np.zeros(20)), NAMES)
    fit_regressor("ridge", features, joints, make_groups(np.zeros(20)), NAMES)
    fit_regressor("linear", features[:, :22], joints, make_groups(np.zeros(20)), NAMES)


def test_few_labels_are_enough_for_weights_that_axes_share(generator):
    """Joints between keypoints: a body that is bent in new ways is found from fifteen labels, better than by a kernel alone."""
    points = generator.normal(size=(400, 6, 3)) * 10
    joints = np.einsum("jk,fkc->fjc", [[0.5, 0.5, 0, 0, 0, 0], [0, 0, 0.2, 0, 0, 0.8]], points) + [3, 1, -2]
    features = points.reshape(len(points), -1)
    errors = {}
    for kind in ("kernel", "shared"):
        regressor = fit_regressor(kind, features[:15], joints[:15], np.arange(15), NAMES)
        errors[kind] = np.linalg.norm(regressor.predict(features[15:]) - joints[15:], axis=2).mean()
    assert errors["shared"] < 0.6 * errors["kernel"]


def test_shared_weights_turn_with_the_body(generator):
    points, joints = generator.normal(size=(50, 4, 3)), generator.normal(size=(50, 2, 3))
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    straight, turned = (share_weights((points @ axes).reshape(50, -1), (joints @ axes).reshape(50, -1)) for axes in (np.eye(3), turn))
    np.testing.assert_allclose(straight, turned, atol=1e-10)
