"""The spatiotemporal difference: what changed between two frames, and the target of the reconstruction."""

import torch
from jaxtyping import Float
from torch import Tensor

_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def structural_difference(
    image_a: Float[Tensor, "*batch channel height width"], image_b: Float[Tensor, "*batch channel height width"], window: int = 11
) -> Float[Tensor, "*batch channel height width"]:
    """Compute ``1 - SSIM`` at every pixel, for each channel on its own (Wang et al. 2004; paper, section 3.3).

    Equal images give exactly 0; the largest value is below 2. Beyond its border an image is continued by its border.

    Parameters
    ----------
    image_a, image_b : values in [0, 1].
    window : side in pixels of the Gaussian window (sigma 1.5), odd.
    """
    if image_a.shape != image_b.shape:
        raise ValueError(f"Expected images of one shape, got {tuple(image_a.shape)} and {tuple(image_b.shape)}")
    if window % 2 == 0:
        raise ValueError(f"Expected an odd window, got {window}")
    # Variances are differences of large numbers: bf16 would leave nothing of them.
    # The device meta, on which training is checked, knows no autocast.
    with torch.autocast("cpu" if image_a.is_meta else image_a.device.type, enabled=False):
        a, b = (image if image.dtype == torch.float64 else image.float() for image in (image_a, image_b))
        mean_a, mean_b, square_a, square_b, product = _blur(torch.stack([a, b, a * a, b * b, a * b]), window)
        variances = (square_a - mean_a * mean_a) + (square_b - mean_b * mean_b)
        covariance = product - mean_a * mean_b
        numerator = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
        denominator = (mean_a * mean_a + mean_b * mean_b + _C1) * (variances + _C2)
        difference: Tensor = 1 - numerator / denominator
        return difference


def _blur(images: Float[Tensor, "*batch height width"], window: int) -> Float[Tensor, "*batch height width"]:
    """Convolve the last two axes with a Gaussian, one axis after the other."""
    offsets = torch.arange(window, dtype=images.dtype, device=images.device) - window // 2
    kernel = torch.softmax(-offsets.square() / (2 * _SIGMA**2), dim=0)
    flat = images.reshape(1, -1, *images.shape[-2:])
    flat = torch.nn.functional.pad(flat, (window // 2,) * 4, mode="replicate")
    # One group per picture: as pictures of one channel in a batch, the same takes eighteen times as long.
    kernels = kernel.expand(flat.shape[1], 1, 1, window)
    flat = torch.nn.functional.conv2d(flat, kernels, groups=len(kernels))
    return torch.nn.functional.conv2d(flat, kernels.mT, groups=len(kernels)).view(images.shape)
