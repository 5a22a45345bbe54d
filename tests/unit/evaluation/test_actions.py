import numpy as np
import pytest
import torch

from bkind3d.config import ActionsConfig
from bkind3d.evaluation.actions import ActionNetwork, balance_classes, classify_windows
from bkind3d.evaluation.motion_windows import N_SAMPLES


def make_waves(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of slow (0) and fast (1) waves with random phase: no single moment tells them apart."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, number)
    phase = np.arange(N_SAMPLES) * (0.3 + 1.2 * labels[:, None]) + generator.uniform(0, 6.28, (number, 1))
    return np.stack([np.sin(phase), np.cos(phase)], axis=2).astype(np.float32), labels


@pytest.mark.parametrize("classifier", ["conv1d", "forest", "boosted"])
def test_movements_are_told_apart(classifier):
    (train, labels), (test, truth) = make_waves(200, 0), make_waves(100, 1)
    # Trees see statistics over the window; the change from moment to moment is what the descriptions of windows have.
    train, test = (np.concatenate([part, np.diff(part, axis=1, prepend=part[:, :1])], axis=2) for part in (train, test))
    scores = classify_windows(train, labels, test, 3, ActionsConfig(classifier=classifier))
    assert (scores.argmax(axis=1) == truth).mean() > 0.9
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    assert (scores[:, 2] < 0.5).all()


@pytest.mark.parametrize("classifier", ["conv1d", "forest"])
def test_the_seed_decides(classifier):
    train, labels = make_waves(100, 0)
    test = np.random.default_rng(0).normal(size=(200, N_SAMPLES, 2)).astype(np.float32)
    config = ActionsConfig(classifier=classifier, epochs=3)
    state = torch.get_rng_state()
    first = classify_windows(train, labels, test, 2, config)
    assert torch.equal(state, torch.get_rng_state())
    torch.rand(3)
    np.testing.assert_array_equal(first, classify_windows(train, labels, test, 2, config))
    other = classify_windows(train, labels, test, 2, config.model_copy(update={"seed": 1}))
    assert (first != other).any()


def test_every_behaviour_has_the_same_say():
    weights = balance_classes(np.array([0] * 30 + [2] * 10), 3)
    np.testing.assert_allclose(weights, [40 / 60, 0, 40 / 20])


def test_the_network_has_the_paper_s_layers():
    network = ActionNetwork(N_SAMPLES, 39, torch.ones(5))
    widths = [layer.out_channels for layer in network.layers if isinstance(layer, torch.nn.Conv1d)]
    kernels = {layer.kernel_size for layer in network.layers if isinstance(layer, torch.nn.Conv1d)}
    assert (widths, kernels) == ([128, 64, 32], {(5,)})
    assert network(torch.zeros(3, N_SAMPLES, 39)).shape == (3, 5)


def test_a_channel_that_never_changes_does_no_harm():
    train, labels = make_waves(40, 0)
    train[..., 1] = 3
    assert np.isfinite(classify_windows(train, labels, train, 2, ActionsConfig(epochs=1))).all()
