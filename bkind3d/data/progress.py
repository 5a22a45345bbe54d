"""How far a long step is: a bar with the remaining time in a terminal, plain lines in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)

Item = TypeVar("Item")

#: Seconds between two lines.
_SECONDS = 60.0


def track(items: Iterable[Item], desc: str, total: int | None = None, unit: str = "step") -> Iterator[Item]:
    """Pass `items` on, and tell how far it is (of their own length if there is no `total`); what takes less than a minute leaves no line."""
    if sys.stderr.isatty():
        yield from tqdm(items, desc=desc, total=total, unit=unit)
        return
    if total is None and isinstance(items, Sized):
        total = len(items)
    start = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS:
            last = now
            log.info("%s", describe_progress(desc, count, total, unit, now - start))


def describe_progress(desc: str, count: int, total: int | None, unit: str, seconds: float) -> str:
    """One line: what is done of how much, and how long the rest takes at this pace."""
    if not total:
        return f"{desc}: {count} {unit}s"
    left = tqdm.format_interval(round(seconds * max(total - count, 0) / count))
    return f"{desc}: {count} of {total} {unit}s ({count / total:.0%}), {left} left"
