"""What a processor is told before a network runs."""

import platform
import resource

import numpy as np
import pytest

from bkind3d.networks.processor import keep_freed_memory, uses_bf16


def test_a_precision_that_is_asked_for_is_taken() -> None:
    assert uses_bf16("bf16", "cpu")
    assert not uses_bf16("32", "cpu")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep memory as they like")
def test_freed_memory_is_not_cleared_again() -> None:
    def count_faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            np.empty(2**24, np.uint8).fill(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    count_faults()
    assert count_faults() < 2**24 / resource.getpagesize()
