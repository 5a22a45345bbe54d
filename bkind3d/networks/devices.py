"""What a network computes on."""

import torch

from bkind3d.config import InputError


def choose_device(name: str) -> str:
    """Give the device of that name (auto, cpu or cuda); auto is a GPU where there is one.

    Raises
    ------
    InputError
        Where a GPU is asked for and torch finds none.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise InputError("--device cuda: torch finds no GPU here; write --device cpu, or run on a machine that has one")
    return name if name != "auto" else "cuda" if found else "cpu"
