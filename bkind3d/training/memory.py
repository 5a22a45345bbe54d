"""What to do when memory does not hold a batch."""

import torch

#: What allocators say that raise no error of their own kind.
MESSAGES = ("can't allocate memory", "Cannot allocate memory", "out of memory", "bad allocation")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory is full."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in MESSAGES)


def advise_on_memory(economical: bool) -> str:
    """One line on what to change when not even one sample fits."""
    knobs = ["training.activation_checkpointing: true"] if not economical else []
    knobs += ["a smaller model.volume_size", "a smaller size of the frameset", *(["fewer model.volume_channels"] if economical else [])]
    return f"training: one sample does not fit into memory; try {knobs[0]}, {knobs[1]}, or {knobs[2]}"
