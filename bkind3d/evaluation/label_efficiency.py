"""How many labelled frames a laboratory needs: the error against the number of frames that the regressor learns from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from bkind3d.config import EvaluationConfig
from bkind3d.data.results import MEAN_POSE, MIN_FRAMES
from bkind3d.data.spacing import spread_indices
from bkind3d.evaluation.candidates import mean_shape, measure_constant, regress_joints
from bkind3d.evaluation.labelled_frames import LabelledFrames, all_known
from bkind3d.evaluation.metrics import PoseErrors, mean_known

#: Draws of each number of frames, and frames beyond which more change nothing but the time it takes.
_DRAWS, _MOST_FRAMES = 5, 20_000


def choose_numbers(n_frames: int) -> list[int]:
    """10, 30, 100, 300, ... frames, and all of them."""
    steps = [factor * 10**power for power in range(1, 7) for factor in (1, 3)]
    return [number for number in steps if MIN_FRAMES <= number < n_frames] + ([n_frames] if n_frames >= MIN_FRAMES else [])


def _draw(n_frames: int, number: int, seed: int) -> list[Int[NDArray, "drawn"]]:
    """Some draws of `number` frames, in their order; a single one where all are drawn."""
    if number == n_frames:
        return [np.arange(n_frames)]
    generator = np.random.default_rng((seed, number))
    return [np.sort(generator.choice(n_frames, number, replace=False)) for _ in range(_DRAWS)]


def measure_label_efficiency(
    train: LabelledFrames, test: LabelledFrames, regressed: Sequence[str], config: EvaluationConfig, names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Measure the error on the test frames when only some of the training frames are labelled.

    The candidates `regressed` and the constant pose are measured; who learned from joints before needed all of them.

    Frames are drawn at random from those that know every joint. The regressor is ridge, or ridge with a kernel where the settings have it:
    least squares has no answer to fewer frames than parameters, and a perceptron little.

    Returns
    -------
    Entries with method, n_frames, n_draws, regressor, and mpjpe and pa_mpjpe (means over draws, world units), with
    pa_mpjpe_low and pa_mpjpe_high, the best and the worst of the draws. Empty where fewer than ten frames know every joint.
    """
    pool = train.select(all_known(train.joints))
    pool, test = (frames.select(spread_indices(len(frames.frame), _MOST_FRAMES)) for frames in (pool, test))
    settings = config if config.regressor == "kernel" else config.model_copy(update={"regressor": "ridge"})
    entries = []
    for number in choose_numbers(len(pool.frame)):
        draws = [pool.select(drawn) for drawn in _draw(len(pool.frame), number, config.seed)]
        for method in (*regressed, MEAN_POSE):
            errors = [_measure(method, drawn, test, settings, names) for drawn in draws]
            means = {key: [np.nanmean(mean_known(getattr(error, key), axis=1)) for error in errors] for key in ("mpjpe", "pa_mpjpe")}
            regressor = "none" if method == MEAN_POSE else settings.regressor
            entry = {"method": method, "n_frames": number, "n_draws": len(draws), "regressor": regressor}
            entry |= {key: np.mean(values) for key, values in means.items()}
            entries.append(entry | {"pa_mpjpe_low": min(means["pa_mpjpe"]), "pa_mpjpe_high": max(means["pa_mpjpe"])})
    return entries


def _measure(method: str, drawn: LabelledFrames, test: LabelledFrames, config: EvaluationConfig, names: tuple[str, ...]) -> PoseErrors:
    """Errors on the test frames of a candidate that learned from the drawn frames."""
    if method == MEAN_POSE:
        return measure_constant(drawn, test, mean_shape(drawn.joints), None)
    return regress_joints(drawn.points[method], test.points[method], drawn, test, config, names)[0]
