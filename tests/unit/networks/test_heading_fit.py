"""The body's shape and all headings are found together, from pictures that nobody labelled."""

import numpy as np
import torch

from bkind3d.data.datasets import SessionFrames
from bkind3d.networks import heading_fit
from bkind3d.networks.heading import N_ANGLES, HeadingFinder
from bkind3d.networks.heading_fit import (
    Shape,
    Stretch,
    agree,
    choose_stretches,
    find_components,
    find_front,
    find_headings,
    fit_shape,
)
from tests.unit.scenes import make_body, write_session


def make_stretch(n: int, seed: int) -> tuple[Stretch, np.ndarray]:
    """A body, symmetric about its long axis, that varies, turns and walks forward; and its true headings."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(99)
    angle = np.arange(N_ANGLES) * 2 * np.pi / N_ANGLES
    mean = np.stack([np.exp(2 * np.cos(angle)), np.exp(np.cos(angle) * 3 - 2), np.exp(1.5 * np.cos(2 * angle)), 1 + np.cos(angle)], axis=1)
    varied = np.cos(angle)[:, None] * fixed.normal(size=4)
    headings = np.cumsum(rng.integers(-1, 2, n)) % N_ANGLES
    shapes = mean + 0.3 * rng.normal(size=(n, 1, 1)) * varied + 0.05 * rng.normal(size=(n, N_ANGLES, 4))
    hulls = np.stack([np.roll(shape, heading, axis=0) for shape, heading in zip(shapes, headings, strict=True)])
    direction = headings * 2 * np.pi / N_ANGLES
    centres = np.cumsum(np.stack([np.cos(direction), np.sin(direction), 0 * direction], axis=1), axis=0)
    return Stretch(torch.from_numpy(hulls).float(), np.arange(n) / 30, centres), headings


def test_headings_of_made_up_shapes_are_found_but_for_a_common_turn() -> None:
    parts = [make_stretch(80, seed) for seed in range(3)]
    stretches = [stretch for stretch, _ in parts]
    shape = fit_shape(stretches, stretches[1].hulls[20])
    true = Shape(shape.mean, shape.components, 0.0, [headings for _, headings in parts])
    assert agree(shape, true) > 0.98
    front = find_front(shape, stretches)
    found, expected = np.concatenate(shape.headings) + front, np.concatenate(true.headings)
    assert np.median(np.abs((found - expected + 32) % N_ANGLES - 32)) <= 1


def test_components_are_the_directions_of_largest_variation() -> None:
    generator = torch.Generator().manual_seed(0)
    strengths = torch.randn(50, 2, generator=generator) * torch.tensor([9.0, 3.0])
    frames = torch.einsum("nk,kad->nad", strengths, torch.randn(2, N_ANGLES, 3, generator=generator))
    frames = frames - frames.mean(dim=0) + 0.1 * torch.randn(50, N_ANGLES, 3, generator=generator)
    found = find_components(frames, 2).flatten(1)
    expected = torch.linalg.svd(frames.flatten(1), full_matrices=False).Vh[:2]
    assert torch.allclose((found @ expected.T).abs(), torch.eye(2), atol=0.02)


def test_fewer_frames_than_components_leave_the_rest_zero() -> None:
    found = find_components(torch.randn(4, N_ANGLES, 3, generator=torch.Generator().manual_seed(0)), 6)
    assert found.shape == (6, N_ANGLES, 3)
    assert found[:4].abs().amax(dim=(1, 2)).min() > 0 and (found[4:] == 0).all()


def test_a_long_recording_is_sampled_in_stretches(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "long", n_frames=250))
    assert [len(indices) for _, indices in choose_stretches([session], 250)] == [250]
    chosen = [indices for _, indices in choose_stretches([session], 200)]
    assert [len(indices) for indices in chosen] == [100, 100]
    assert chosen[0][0] == 0 and chosen[-1][-1] == 249


def test_the_sample_is_bounded_for_any_number_of_sessions(tmp_path) -> None:
    long, short = (SessionFrames(write_session(tmp_path, name, n_frames)) for name, n_frames in (("long", 130), ("short", 30)))
    sessions = [long, short, short, short] * 300
    chosen = choose_stretches(sessions, 400)
    assert len(chosen) == 4 and sum(len(indices) for _, indices in chosen) <= 400
    assert {len(indices) for _, indices in choose_stretches([long] * 1200, 400)} == {100}


def test_sessions_that_are_held_out_do_not_shape_the_body(tmp_path) -> None:
    sessions = [SessionFrames(write_session(tmp_path, name, 20, 4, seed, (3, 4, 5, 7))) for seed, name in enumerate(("one", "two"))]
    alone, beside = HeadingFinder(), HeadingFinder()
    find_headings(alone, sessions[:1], 0)
    headings = find_headings(beside, sessions, 0, held_out=["two"])
    assert torch.equal(alone.mean, beside.mean) and torch.equal(alone.noise, beside.noise)
    assert np.ptp(headings["two"]) > 0


def test_headings_of_filmed_bodies_are_found_and_seed_decides(tmp_path) -> None:
    radii = (3, 4, 5, 7)  # thicker at one end
    sessions = [SessionFrames(write_session(tmp_path, name, 60, 4, seed, radii)) for seed, name in enumerate(("one", "two"))]
    finder, again = HeadingFinder(), HeadingFinder()
    first, second = (find_headings(one, sessions, 0) for one in (finder, again))
    assert list(first) == ["one", "two"]
    assert all(np.array_equal(headings, second[name]) for name, headings in first.items())
    assert torch.equal(finder.mean, again.mean)
    body = np.concatenate([make_body(60, seed) for seed in range(2)])
    true = np.arctan2(*(body[:, 3] - body[:, 0])[:, 1::-1].T)
    turns = np.exp(1j * (np.concatenate([*first.values()]) - true))
    assert np.abs(np.angle(turns / turns.mean())).max() < np.pi / 4
    assert finder.agreement > 0.95


def test_headings_on_which_independent_fits_disagree_are_not_used_and_it_is_said(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(heading_fit, "HEADED", 1.01)
    sessions = [SessionFrames(write_session(tmp_path, f"s{seed}", 12, 4, seed, (3, 4, 5, 7))) for seed in range(2)]
    finder = HeadingFinder()
    headings = find_headings(finder, sessions, 0)
    assert finder.agreement > 0 and finder.noise > 0
    assert "headings are not used, cubes are not turned: independent fits agree in" in caplog.text
    assert all((found == 0).all() and len(found) == 12 for found in headings.values())
    assert (finder.find(sessions[0]) == 0).all()
