"""Options that are whole numbers: threads, processes, frames, rows."""

import argparse
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """Give an argparse ``type`` that refuses whatever is no whole number of at least `least`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number; give one of at least {least}") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is too small; give a whole number of at least {least}")
        return number

    return read
