"""Some of many frames, evenly spaced."""

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray


def spread_indices(count: int, most: int) -> Int[NDArray, "chosen"]:
    """At most `most` of `count` indices, the first and the last among them, as evenly as whole numbers allow."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)


def step_indices(count: int, most: int) -> Int[NDArray, "chosen"]:
    """At most `most` of `count` indices, in equal steps from the first."""
    return np.arange(0, count, max(-(-count // most), 1))
