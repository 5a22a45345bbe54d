"""Settings that recordings and the machine suggest: how far apart the moments of a pair are, how large the cube and a batch are, how long it takes."""

import math
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.config import ExperimentConfig, PairTrainingConfig
from bkind3d.data.parquet import read_table
from bkind3d.data.spacing import spread_indices
from bkind3d.doctor.checks import Check
from bkind3d.study.effort import explain_effort
from bkind3d.study.study import Study
from bkind3d.survey.silhouettes import decode_mask

#: Share of the silhouette that changes between two moments whose poses are hardly different, and whose difference is worth
#: learning from. The demo's rats change so much within 2 frames (0.067 s) and within 0.4 s.
STILL, CHANGED = 0.15, 0.35
#: Pairs of moments that are compared for each distance between them, and the largest distance, seconds.
_PAIRS, _LONGEST = 100, 5.0
#: Settings that are off by more than this factor are worth a line.
_OFF = 2.0
#: Share of the free memory that a batch may take, and what to do where it would take more.
_SHARE = 0.8
_ADVICE = "set training.activation_checkpointing to true, or train on a machine with more memory"


@dataclass(frozen=True)
class Measured:
    """What a session's silhouettes tell.

    Attributes
    ----------
    still, changed : seconds within which :data:`STILL` and :data:`CHANGED` of the silhouettes change; None where unknown.
    rate : frames per second of the videos.
    side : of the cube that the subject needs, in the rig's units; None where unknown.
    """

    still: float | None = None
    changed: float | None = None
    rate: float = 0.0
    side: float | None = None


def measure_changes(surveys: Iterable[str | Path], rate: float) -> Measured:
    """Measure how fast silhouettes change: one less the intersection of two of them over their union, median over time and cameras.

    Parameters
    ----------
    surveys : tables ``survey`` of a session's cameras.
    rate : frames per second.
    """
    lags = np.unique(np.geomspace(1, max(2, _LONGEST * rate), 16).round().astype(int))
    curves = [_measure_curve(path, lags) for path in surveys]
    usable = np.isfinite(curves).any(axis=0) if curves else np.empty(0, bool)
    if not usable.any():
        return Measured(rate=rate)
    seconds, curve = lags[usable] / rate, np.nanmedian(np.array(curves)[:, usable], axis=0)
    later = np.flatnonzero(curve >= STILL)
    beyond = np.flatnonzero(curve >= CHANGED)
    still = float(seconds[max(0, later[0] - (curve[later[0]] > STILL))]) if len(later) else None
    return Measured(still, float(seconds[beyond[0]]) if len(beyond) else None, rate)


def _measure_curve(survey: str | Path, lags: Shaped[NDArray, "..."]) -> Shaped[NDArray, "..."]:
    """Median change for each distance in frames; NaN where no two silhouettes are that far apart."""
    contents = read_table(survey, "survey", ["mask"])["mask"]
    known = contents.notna().to_numpy()
    curve = np.full(len(lags), np.nan)
    for index, lag in enumerate(lags):
        starts = np.flatnonzero(known[:-lag] & known[lag:])
        starts = starts[spread_indices(len(starts), _PAIRS)]
        pairs = [(decode_mask(contents[start]) > 0, decode_mask(contents[start + lag]) > 0) for start in starts]
        changes = [1 - (one & other).sum() / (one | other).sum() for one, other in pairs if one.any() and other.any()]
        curve[index] = np.median(changes) if changes else np.nan
    return curve


def suggest_settings(study: Study, measured: Sequence[Measured]) -> list[Check]:
    """What the sessions together suggest; a warning where a setting is far from it."""
    still, changed, side = (_median([getattr(entry, key) for entry in measured]) for key in ("still", "changed", "side"))
    rate = _median([entry.rate or None for entry in measured])
    checks = [check_cube(study, side)] if side is not None else []
    for name, experiment in study.config.experiments.items():
        if rate is not None:
            interval = study.config.framesets[experiment.frames].step / rate
            checks += check_pairs(name, experiment, interval, still, changed)
    return checks


def check_cube(study: Study, side: float) -> Check:
    """Whether the cube that was set, if one was, is about as large as the subject."""
    units = ", ".join(dict.fromkeys(row.units for row in study.rigs.values()))
    sentence, given = f"by its silhouettes the subject needs a cube of {side:.3g} {units}", study.config.location.side
    if given is None:
        return Check("pass", "cube", f"{sentence}; the workflow measures one for all sessions (location.side would set it)")
    sentence += f", location.side is {given:.3g}"
    if side / _OFF <= given <= side * _OFF:
        return Check("pass", "cube", sentence)
    return Check("warning", "cube", sentence, f"leave location.side out, or set it to about {side:.3g}")


def check_pairs(name: str, experiment: ExperimentConfig, interval: float, still: float | None, changed: float | None) -> list[Check]:
    """Whether the moments of a pair are as far apart as the objective wants them: alike, or different.

    `interval` is between two kept frames (s), `still` and `changed` as in :class:`Measured`.
    """
    training, gap = experiment.training, experiment.pair_gap_seconds
    wanted = still if gap is None else changed
    if wanted is None or not isinstance(training, PairTrainingConfig):
        return []
    share = STILL if gap is None else CHANGED
    found = f"experiment {name}: silhouettes change by {share:.0%} within {wanted:.2g} s; the moments of a pair are"
    if gap is None:
        number, suggested = training.neighbour_frames, max(1, round(wanted / interval))
        sentence = f"{found} up to {number} kept frames ({number * interval:.2g} s) apart"
        good, step = suggested / _OFF <= number <= suggested * _OFF, f"set training.neighbour_frames to {suggested}"
    else:
        sentence = f"{found} {gap:.2g} s apart"
        good, step = wanted / _OFF <= gap <= wanted * _OFF, f"set training.frame_gap_seconds to {wanted:.2g}"
    return [Check("pass" if good else "warning", "pairs", sentence, "" if good else step)]


def check_memory(study: Study) -> list[Check]:
    """Whether the batches of all experiments without a model fit, and how long trainings and all else take; each measured in a process of its own."""
    checks = [Check("pass", "time", line)] if (line := explain_effort(study)) else []
    for name, experiment in study.config.experiments.items():
        if study.results.model(name).exists():
            continue
        from bkind3d.training.sample_memory import measure_sample

        n_views = len(experiment.cameras) or max(len(study.cameras[session]) for session in study.sessions)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            try:
                cost = pool.submit(measure_sample, experiment, n_views, study.config.framesets[experiment.frames].size).result()
                checks.append(judge_memory(name, experiment, cost.memory, cost.free))
                if math.isfinite(cost.seconds):
                    hours = cost.seconds * experiment.training.batch_size * cost.steps / 3600
                    sentence = (
                        f"experiment {name}: the {cost.steps} steps of its training take about {hours:.2g} core hours on this machine"
                    )
                    checks.append(Check("pass", "time", sentence))
            except (BrokenProcessPool, MemoryError, RuntimeError):
                sentence = f"experiment {name}: this machine cannot compute one sample of the training"
                checks.append(Check("warning", "memory", sentence, _ADVICE))
    return checks


def judge_memory(name: str, experiment: ExperimentConfig, sample: float, free: float) -> Check:
    """What a sample's bytes and the bytes that are free mean for the batch."""
    held, wanted = int(_SHARE * free / max(sample, 1.0)), experiment.training.micro_batch_size or experiment.training.batch_size
    has = f"of which this machine has {free / 1e9:.3g} GB free"
    sentence = f"experiment {name}: a sample takes {sample / 1e9:.2g} GB, {has}: {held} at once; its batches have {wanted}"
    if held >= wanted:
        return Check("pass", "memory", sentence)
    step = f"set training.micro_batch_size to {held} (the result is the same)" if held else _ADVICE
    return Check("warning", "memory", sentence, step)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
