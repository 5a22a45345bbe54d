import numpy as np
import pytest

from bkind3d.evaluation.steadiness import Motion, find_steps, measure_steadiness

RATE = 30.0
REST = np.array([[0.0, 0, 0], [100, 0, 0], [50, 40, 0], [50, -40, 0]])


def make_motion(n_frames=60, **changes):
    """Four keypoints that walk in a circle, turning with it, at 30 frames a second; 100 long."""
    angle = np.arange(n_frames) / RATE
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    positions = np.tile(REST, (n_frames, 1, 1))
    positions[..., :2] = positions[..., :2] @ turn.transpose(0, 2, 1) + 300 * turn[:, None, :, 0]
    session = np.zeros(n_frames, int)
    return Motion(**({"positions": positions, "session": session, "steps_s": find_steps(session, angle)} | changes))


def test_steps_end_at_gaps_and_sessions():
    steps = find_steps(np.array([0, 0, 0, 0, 1, 1]), np.array([0.0, 0.1, 0.2, 0.5, 0.6, 0.7]))
    np.testing.assert_allclose(steps, [np.inf, 0.1, 0.1, np.inf, np.inf, 0.1])
    assert np.isinf(find_steps(np.array([0]), np.array([3.0]))).all()


def test_a_body_that_walks_and_turns_does_not_jump():
    content = measure_steadiness(make_motion(), [(0, 1), (1, 2)])
    assert (content["jumps"], content["trades"]) == (0, 0)
    assert content["edge_variation"] == pytest.approx(0, abs=1e-9)
    assert (content["spread"], content["turned"], content["fewer_views"]) == (None, None, None)


def test_jumps_are_counted_by_steps_and_keypoints():
    motion = make_motion()
    motion.positions[20, 2] += [0, 0, 40]
    motion.positions[30:, 3] += [0, 0, 40]
    content = measure_steadiness(motion, [])
    # Off and back, and off for good.
    assert content["jumps"] == pytest.approx(3 / 59)
    np.testing.assert_allclose(content["keypoint_jumps"], np.array([0, 0, 2, 1]) / 59)
    assert content["edge_variation"] is None


def test_what_lies_between_sessions_is_no_jump():
    motion = make_motion(40)
    moved = motion.positions.copy()
    moved[20:] += 900
    moved[20:] = moved[20:, ::-1]
    session = np.repeat([0, 1], 20)
    content = measure_steadiness(Motion(moved, session, find_steps(session, np.arange(40) / RATE)), [])
    assert (content["jumps"], content["trades"]) == (0, 0)


def test_trades_are_seen_though_the_body_moves():
    motion = make_motion()
    motion.positions[25:, [0, 1]] = motion.positions[25:, [1, 0]]
    content = measure_steadiness(motion, [])
    assert content["trades"] == pytest.approx(1 / 59)
    np.testing.assert_allclose(content["keypoint_trades"], np.array([1, 1, 0, 0]) / 59)


def test_edges_vary_by_their_coefficient_of_variation():
    motion = make_motion()
    motion.positions[::2, 1] = motion.positions[::2, 0] + [0, 0, 80]
    motion.positions[1::2, 1] = motion.positions[1::2, 0] + [0, 0, 120]
    content = measure_steadiness(motion, [(0, 1), (2, 3)])
    assert content["edge_variation"] == pytest.approx(0.2 / 2)
    np.testing.assert_allclose(content["keypoint_edge_variation"], [0.2, 0.2, 0, 0], atol=1e-9)


def test_sessions_of_different_size_do_not_vary():
    motion = make_motion(40)
    motion.positions[20:] *= 2
    motion.session[20:] = 1
    assert measure_steadiness(motion, [(0, 1)])["edge_variation"] == pytest.approx(0, abs=1e-9)


def test_spread_and_agreement_are_in_lengths_of_the_body():
    motion = make_motion(spreads=np.array([10.0, 10, 20, 20]), agreement={"turned": np.array([5.0, 5, 5, 25])})
    content = measure_steadiness(motion, [])
    assert content["spread"] == pytest.approx(0.15)
    assert content["turned"] == pytest.approx(0.1)
    np.testing.assert_allclose(content["keypoint_turned"], [0.05, 0.05, 0.05, 0.25])
    assert content["fewer_views"] is None
