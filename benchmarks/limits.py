"""What a machine can do: matrix products, 3D convolutions, copies, JPEGs, with as many threads as torch uses now."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch

from benchmarks.operations import read_clock

_LEAST_CALLS, _LEAST_SECONDS = 5, 0.3


@dataclass(frozen=True)
class Limits:
    """Rates of a device; the best of a few tries.

    Attributes
    ----------
    matrix_32, matrix_bf16 : operations per second of a matrix product.
    convolution_32, convolution_bf16 : of a 3x3x3 convolution of 16 channels over 24^3 voxels.
    copy : bytes per second, read and written ones together.
    jpeg : pixels per second of decoded pictures, on one thread.
    """

    matrix_32: float
    matrix_bf16: float
    convolution_32: float
    convolution_bf16: float
    copy: float
    jpeg: float

    def rate(self, kind: torch.dtype) -> float:
        """Operations per second of a type of numbers: those of the matrix product, or of the convolution if it is faster."""
        is_short = kind in (torch.bfloat16, torch.float16)
        return max((self.matrix_bf16, self.convolution_bf16) if is_short else (self.matrix_32, self.convolution_32))

    def describe(self) -> str:
        """One line."""
        numbers = {name: value / 1e9 for name, value in asdict(self).items()}
        return (
            f"matrix product {numbers['matrix_32']:.0f} GFLOP/s in 32 bits and {numbers['matrix_bf16']:.0f} in bf16, 3x3x3 convolution "
            f"{numbers['convolution_32']:.0f} and {numbers['convolution_bf16']:.0f}, copy {numbers['copy']:.1f} GB/s, "
            f"JPEG {1000 * numbers['jpeg']:.0f} megapixels/s"
        )


def take_best(function: Callable[[], object]) -> float:
    """Seconds of the fastest of some calls; the first does not count."""
    function()
    times: list[float] = []
    while len(times) < _LEAST_CALLS or sum(times) < _LEAST_SECONDS:
        begin = read_clock()
        function()
        times.append(read_clock() - begin)
    return min(times)


@torch.inference_mode()
def measure_limits(device: str = "cpu", size: int = 64) -> Limits:
    """Measure a device; pictures have `size` pixels a side."""
    side, mega = (1024, 64) if device == "cpu" else (8192, 1024)
    found = {}
    for name, kind in (("32", torch.float32), ("bf16", torch.bfloat16)):
        matrix = torch.rand(side, side, device=device).to(kind)
        found[f"matrix_{name}"] = 2 * side**3 / take_best(lambda matrix=matrix: matrix @ matrix)
        volumes = torch.rand(8, 16, 24, 24, 24, device=device).to(kind)
        kernel = torch.rand(16, 16, 3, 3, 3, device=device).to(kind)
        operations = 2 * 27 * 16 * volumes.numel()
        convolve = torch.nn.functional.conv3d
        found[f"convolution_{name}"] = operations / take_best(lambda v=volumes, k=kernel, f=convolve: f(v, k, padding=1))
    source = torch.rand(mega * 2**18, device=device)
    target = torch.empty_like(source)
    found["copy"] = 2 * source.nbytes / take_best(lambda: target.copy_(source))
    smooth = cv2.resize(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    encoded = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    found["jpeg"] = 64 * size**2 / take_best(lambda: [cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) for _ in range(64)])
    return Limits(**found)
