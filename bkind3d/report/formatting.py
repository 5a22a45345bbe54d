"""Numbers, shares and intervals as the pages show them."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np


def choose_decimals(values: Iterable[float]) -> int:
    """Decimals with which the largest of `values` has three significant digits (at least 0, at most 4)."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return 1 if largest == 0 else min(max(2 - math.floor(math.log10(largest)), 0), 4)


def is_missing(value: Any) -> bool:
    """Whether a cell of a table of results has no value."""
    return value is None or (isinstance(value, float | np.floating) and not math.isfinite(value))


def format_number(value: Any, decimals: int = 1) -> str:
    """A number with a true minus sign, or a dash where there is none."""
    return "–" if is_missing(value) else f"{value:.{decimals}f}".replace("-", "−")


def format_share(value: Any) -> str:
    """A share as a percentage; never rounded up to 100 %."""
    if is_missing(value):
        return "–"
    percent = 100 * value
    return f"{percent:.0f} %" if percent in (0, 100) else f"{min(percent, 99.9):.1f} %"


def format_interval(low: Any, high: Any, decimals: int = 1) -> str:
    """An interval in brackets, or nothing."""
    return "" if is_missing(low) or is_missing(high) else f"[{format_number(low, decimals)}, {format_number(high, decimals)}]"


def format_text(value: Any) -> str:
    """A word of a table of results, or nothing."""
    return "" if is_missing(value) else str(value)


def format_count(value: Any) -> str:
    """A whole number, or nothing."""
    return "" if is_missing(value) else f"{int(value)}"
