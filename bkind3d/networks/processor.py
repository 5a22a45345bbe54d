"""What a processor is asked, and told, before a network runs on it."""

import ctypes

import torch

#: Of the GNU C library's ``mallopt``: above how many bytes at the heap's end memory is given back, and how large parts are always given back.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: The most that the library takes for each.
_MOST_KEPT, _LARGEST_KEPT = 2**30, 2**25


def uses_bf16(precision: str, device: str) -> bool:
    """Tell whether the network computes in bf16: as asked for, or where the device is built for it."""
    if precision == "auto":
        return torch.cuda.is_bf16_supported() if device == "cuda" else torch.cpu._is_avx512_bf16_supported()
    return precision == "bf16"


def keep_freed_memory() -> None:
    """Let this process use freed memory again in place of giving it back: the kernel would clear it page by page before every layer.

    That takes a fifth of the time of a prediction and a tenth of that of a training. Other C libraries than GNU's are left as they are.
    """
    try:
        set_option = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    set_option(_TRIM_THRESHOLD, _MOST_KEPT)
    set_option(_MMAP_THRESHOLD, _LARGEST_KEPT)
