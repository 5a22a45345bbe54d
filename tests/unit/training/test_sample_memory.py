"""The memory of a sample, measured by a step."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.training.sample_memory import measure_sample


@pytest.mark.slow
def test_more_voxels_take_more_memory():
    """Channels of 32 numbers in 4 bytes at least, forward and backward, in a process of its own: peaks only grow."""
    samples = []
    for size in (16, 40):
        model = {"volume_size": size, "volume_levels": 1}
        config = parse_section(ExperimentConfig, {"preset": "bkind3d", "frames": "s", "model": model}, "test")
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            cost = pool.submit(measure_sample, config, 4, 64).result()
        assert cost.free > cost.memory and cost.seconds > 0
        samples.append(cost.memory)
    assert samples[1] > samples[0] + 2 * 2 * 16 * 40**3
