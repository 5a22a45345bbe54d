"""Find the headings of the training sessions and the body's typical shape together."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.data.datasets import SessionFrames, iterate_batches
from bkind3d.data.progress import track
from bkind3d.geometry.health import HEADED
from bkind3d.networks.heading import EVIDENCE, N_ANGLES, N_COMPONENTS, HeadingFinder, follow_headings, residuals

log = logging.getLogger(__name__)

#: Fits from different first frames; rounds of each, the first few with a mean alone.
N_FITS, N_ROUNDS, N_PLAIN_ROUNDS = 3, 10, 4

#: Frames that the shape is fitted to, and length of the evenly spread stretches of longer recordings.
MOST_FRAMES, STRETCH = 4000, 100


@dataclass(frozen=True)
class Stretch:
    """Consecutive frames of a session: their unrolled hulls, times in seconds, and cubes' centres in world units."""

    hulls: Float[Tensor, "frame angle cell"]
    times: Float[NDArray, "frame"]
    centres: Float[NDArray, "frame 3"]


@dataclass(frozen=True)
class Shape:
    """A fit: the body's mean shape, its variation, the typical residual, and the headings of all stretches as indices."""

    mean: Float[Tensor, "angle cell"]
    components: Float[Tensor, "component angle cell"]
    noise: float
    headings: list[Int[NDArray, "frame"]]


def find_headings(
    finder: HeadingFinder, sessions: Sequence[SessionFrames], seed: int, held_out: Sequence[str] = ()
) -> dict[str, Float[NDArray, "frame"]]:
    """Fit the body's shape to the sessions but those held out by name, and find the headings of all their frames.

    A fit alternates between headings given the shape and the shape given the headings. Independent fits start from different
    frames as first shape. The one with the smallest residual is kept, and noted is how far the others agree with it. Its body
    faces along x: the side of its plane of symmetry towards which the subject moves. Where they disagree, all headings are 0, and remain so.
    """
    chosen = choose_stretches([session for session in sessions if session.session not in held_out], MOST_FRAMES)
    stretches = [unroll_stretch(finder, *part) for part in track(chosen, "headings", unit="part")]
    generator = np.random.default_rng(seed)
    fits = []
    for _ in range(N_FITS):
        hulls = stretches[generator.integers(len(stretches))].hulls
        fits.append(fit_shape(stretches, hulls[generator.integers(len(hulls))]))
    best = min(fits, key=lambda fit: fit.noise)
    agreement = min(agree(best, fit) for fit in fits if fit is not best)
    finder.noise.fill_(best.noise)
    finder.agreement.fill_(agreement)
    said = "independent fits agree in %.1f %% of %d frames", 100 * agreement, sum(len(part.times) for part in stretches)
    if agreement < HEADED:
        log.warning("headings are not used, cubes are not turned: " + said[0] + "; a body without a front has none", *said[1:])
        return {session.session: np.zeros(len(session), np.float32) for session in sessions}
    log.info("headings: " + said[0], *said[1:])
    front = find_front(best, stretches)
    finder.mean.copy_(best.mean.roll(-front, dims=0))
    finder.components.copy_(best.components.roll(-front, dims=1))
    return {session.session: finder.find(session) for session in sessions}


def choose_stretches(sessions: Sequence[SessionFrames], most: int) -> list[tuple[SessionFrames, Int[NDArray, "frame"]]]:
    """Give all usable frames of short sessions, and evenly spread stretches of long ones: about `most` frames in all.

    Of more sessions than that makes stretches, evenly spread ones have a stretch each.
    """
    chosen = np.unique(np.linspace(0, len(sessions) - 1, min(len(sessions), max(most // STRETCH, 1))).round().astype(int))
    share, parts = most // len(chosen), []
    for session in (sessions[index] for index in chosen):
        usable = session.usable
        starts = np.linspace(0, len(usable) - STRETCH, max(share // STRETCH, 1)).astype(int)
        whole = len(usable) <= share
        parts += [(session, usable)] if whole else [(session, usable[start : start + STRETCH]) for start in starts]
    return parts


@torch.inference_mode()
def unroll_stretch(finder: HeadingFinder, session: SessionFrames, indices: Int[NDArray, "frame"]) -> Stretch:
    """Unroll the hulls of some frames of a session."""
    hulls = [finder.unroll(views) for _, views in iterate_batches(session, 16, indices, pictures=False)]
    return Stretch(torch.cat(hulls), session.times[indices], session.centres[indices])


def fit_shape(stretches: Sequence[Stretch], first: Float[Tensor, "angle cell"]) -> Shape:
    """Fit in rounds from a first shape: a mean alone at first, then more and more components."""
    mean, components = first, first.new_zeros(0, *first.shape)
    for step in range(N_ROUNDS):
        squares = [residuals(stretch.hulls, mean, components) for stretch in stretches]
        noise = float(torch.cat(squares).min(dim=1).values.median())
        costs = [(square / max(noise, 1e-12) * EVIDENCE).double().numpy() for square in squares]
        headings = [follow_headings(cost, stretch.times) for cost, stretch in zip(costs, stretches, strict=True)]
        turned = torch.cat([turn_back(stretch.hulls, found) for stretch, found in zip(stretches, headings, strict=True)])
        mean = turned.mean(dim=0)
        if step >= N_PLAIN_ROUNDS:
            components = find_components(turned - mean, min(N_COMPONENTS, 2 * (step - N_PLAIN_ROUNDS + 1)))
    return Shape(mean, components, noise, headings)


def find_components(centred: Float[Tensor, "frame angle cell"], n: int) -> Float[Tensor, "component angle cell"]:
    """First principal components of centred shapes; zeros where there are fewer frames than components."""
    flat = centred.flatten(1)
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(flat.T @ (flat @ torch.randn(flat.shape[1], n + 4, generator=generator))).Q
    for _ in range(2):  # subspace iteration: randomised, but with a seed of its own
        basis = torch.linalg.qr(flat.T @ (flat @ basis)).Q
    directions = torch.linalg.svd(flat @ basis, full_matrices=False).Vh @ basis.T
    found = directions[:n].reshape(-1, *centred.shape[1:])
    return torch.cat([found, found.new_zeros(n - len(found), *centred.shape[1:])])


def turn_back(hulls: Float[Tensor, "frame angle cell"], headings: Int[NDArray, "frame"]) -> Float[Tensor, "frame angle cell"]:
    """Shift every frame so that its body faces along x."""
    shifted = (torch.arange(N_ANGLES) + torch.from_numpy(headings)[:, None]) % N_ANGLES
    return hulls.gather(1, shifted[:, :, None].expand(-1, -1, hulls.shape[2]))


def agree(one: Shape, other: Shape) -> float:
    """Share of the frames in which two fits find the same heading within 45 degrees, but for a common turn."""
    turns = (np.concatenate(one.headings) - np.concatenate(other.headings)) * (2 * np.pi / N_ANGLES)
    common = np.angle(np.exp(1j * turns).mean())
    return float((np.abs(np.angle(np.exp(1j * (turns - common)))) < np.pi / 4).mean())


def find_front(shape: Shape, stretches: Sequence[Stretch]) -> int:
    """Index of the angle at which the mean shape is in front: on its plane of symmetry, towards where the subject moves."""
    spectrum = torch.fft.rfft(shape.mean, dim=0)
    likeness = torch.fft.irfft((spectrum * spectrum).sum(dim=1), n=N_ANGLES)  # of the shape and its mirror image, by sum of angles
    axis = int(likeness.argmax()) // 2
    forward = 0.0
    for stretch, headings in zip(stretches, shape.headings, strict=True):
        steps = np.diff(stretch.centres[:, :2], axis=0)
        angles = (headings[1:] + axis) * (2 * np.pi / N_ANGLES)
        forward += float((steps[:, 0] * np.cos(angles) + steps[:, 1] * np.sin(angles)).sum())
    return axis if forward >= 0 else (axis + N_ANGLES // 2) % N_ANGLES
