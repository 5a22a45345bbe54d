"""How many samples of a batch this machine's memory holds at once, measured by one step of every training that is still to be done."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from bkind3d.config import ExperimentConfig
from bkind3d.doctor.checks import Check
from bkind3d.study.study import Study

#: Share of the free memory that a batch may take.
_SHARE = 0.8
_ADVICE = "set training.activation_checkpointing to true, or train on a machine with more memory"


def check_memory(study: Study) -> list[Check]:
    """Whether the batches of all experiments without a model fit, each measured in a process of its own."""
    checks = []
    for name, experiment in study.config.experiments.items():
        if study.results.model(name).exists():
            continue
        from bkind3d.training.sample_memory import measure_sample

        n_views = len(experiment.cameras) or max(len(study.cameras[session]) for session in study.sessions)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            try:
                sample, free = pool.submit(measure_sample, experiment, n_views, study.config.framesets[experiment.frames].size).result()
                checks.append(judge_memory(name, experiment, sample, free))
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
