import numpy as np
import pytest

from bkind3d.data.points import Points
from bkind3d.evaluation.motion_windows import N_SAMPLES, Windows, cut_windows, find_whole_windows, half_width, measure_size


def test_half_width_follows_the_frame_rate():
    assert half_width(np.arange(100) / 30, 1.0) == 15
    assert half_width(np.arange(0, 100, 3) / 30, 1.0) == 5
    assert half_width(np.arange(100) / 30, 0.001) == 1


def make_points(known, frames):
    return Points(("k00",), frames, frames / 30, np.where(known[:, None, None], np.zeros(3), np.nan))


def test_windows_need_known_frames_without_jumps():
    known = np.ones(20, dtype=bool)
    known[6] = False
    frames = np.concatenate([np.arange(14), np.arange(15, 21)])
    whole = find_whole_windows(make_points(known, frames), 2)
    # Not the borders (0, 1, 18, 19), not around the gap (4 to 8), not across the jump between 13 and 14.
    np.testing.assert_array_equal(np.flatnonzero(whole), [2, 3, 9, 10, 11, 16, 17])


def test_kept_frames_may_be_every_third():
    whole = find_whole_windows(make_points(np.ones(7, dtype=bool), np.arange(7) * 3), 2)
    np.testing.assert_array_equal(np.flatnonzero(whole), [2, 3, 4])


def test_a_short_recording_has_no_window():
    assert not find_whole_windows(make_points(np.ones(4, dtype=bool), np.arange(4)), 2).any()


def test_size_is_the_root_mean_square_distance():
    square = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]) * 7
    gap = np.full((1, 4, 3), np.nan)
    assert measure_size(np.concatenate([np.tile(square + 50, (9, 1, 1)), gap])) == pytest.approx(7)


@pytest.fixture
def recording(make):
    return make.points(make.keypoint_names, make.scene(60, 0).keypoints)


def test_windows_are_around_their_middle(make, recording):
    windows = cut_windows(recording, np.array([20, 30]), 8)
    assert windows.pieces.shape == (2, N_SAMPLES, 4, 3)
    np.testing.assert_array_equal(windows.pieces[:, 0], recording.positions[[12, 22]])
    np.testing.assert_array_equal(windows.pieces[:, -1], recording.positions[[28, 38]])
    np.testing.assert_array_equal(windows.middles, recording.positions[[20, 30]])


def test_description_is_free_of_place_heading_and_size(make, recording):
    windows = cut_windows(recording, np.arange(10, 50), 8)
    heading = windows.fit_heading()
    described = windows.describe(heading)
    angle = 1.1
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = make.points(make.keypoint_names, 3 * recording.positions @ turn.T + [500, -80, 40])
    np.testing.assert_allclose(cut_windows(moved, np.arange(10, 50), 8).describe(heading), described, atol=1e-5)
    assert described.shape == (40, N_SAMPLES, 4 * 3 + 3 + 4 * 3 + 6)
    np.testing.assert_array_equal(windows.describe(heading, derived=False), described[..., : 4 * 3 + 3])
    mirrored = make.points(make.keypoint_names, recording.positions * [1, -1, 1])
    assert np.abs(cut_windows(mirrored, np.arange(10, 50), 8).describe(heading) - described).max() > 0.1


def test_movement_within_the_window_remains():
    pose = np.array([[10.0, 0, 0], [-10, 0, 0]])
    pieces = np.tile(pose, (1, N_SAMPLES, 1, 1)) + np.linspace(-8, 8, N_SAMPLES)[None, :, None, None] * [0, 1, 0]
    windows = Windows(pieces, pose[None], np.array([10.0]))
    described = windows.describe(windows.fit_heading())
    steps = np.diff(described[0, :, 6:9], axis=0)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 16 / (N_SAMPLES - 1) / 10, rtol=1e-4)
    np.testing.assert_allclose(described[0, 1:, 9:12], steps, atol=1e-5)
    np.testing.assert_allclose(described[0, :, 15], 2, rtol=1e-5)


def test_distances_of_many_points_are_thinned():
    pieces = np.random.default_rng(0).normal(size=(2, N_SAMPLES, 30, 3))
    windows = Windows(pieces, pieces[:, 8], np.ones(2))
    described = windows.describe(windows.fit_heading())
    assert described.shape[2] == 2 * 90 + 3 + 105


def test_heading_turns_a_long_body_to_the_same_direction_however_it_lies():
    generator = np.random.default_rng(0)
    body = np.array([[50.0, 0, 0], [10, 8, 0], [-40, 0, 0]])
    angles = generator.uniform(0, 2 * np.pi, 30)
    turns = np.stack([np.stack([np.cos(angles), -np.sin(angles)], 1), np.stack([np.sin(angles), np.cos(angles)], 1)], 1)
    poses = np.concatenate([np.einsum("wij,pj->wpi", turns, body[:, :2]), np.zeros((30, 3, 1))], axis=2) + generator.normal(size=(30, 3, 3))
    windows = Windows(np.tile(poses[:, None], (1, N_SAMPLES, 1, 1)), poses, np.full(30, 40.0))
    described = windows.describe(windows.fit_heading())[:, 0, :9].reshape(30, 3, 3)
    along = described[:, 0, :2] - described[:, 2, :2]
    directions = np.arctan2(along[:, 1], along[:, 0])
    assert np.ptp(np.unwrap(directions)) < 0.3
