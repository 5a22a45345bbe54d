"""How different two images look: differences of features at several depths, each weighed by its own running average."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.losses.running_mean import RunningMean

N_LEVELS = 5


class PerceptualLoss(nn.Module):
    """Squared differences of pixels and of several levels of features (Johnson et al. 2016; paper, section 3.3).

    Each level is divided by a running average of itself, so that all count alike however large their features are: with
    the five levels of VGG19 the loss is about 6 while nothing improves. ``commit_running_means`` has to be called after
    each step of the optimiser. In evaluation mode a level is divided by what its average began with, so that losses at
    different steps compare.

    Parameters
    ----------
    features : gives a list of feature maps for RGB pictures in [0, 1]. It is frozen: it learns nothing, and checkpoints do
        not hold its weights (80 MB), which are read again when a training is resumed.
    n_levels : how many maps it gives.
    """

    def __init__(self, features: nn.Module, n_levels: int = N_LEVELS) -> None:
        super().__init__()
        self.features = freeze(features)
        self.averages = RunningMean(1 + n_levels)

    def forward(
        self,
        prediction: Float[Tensor, "image channel height width"],
        target: Float[Tensor, "image channel height width"],
        weights: Float[Tensor, "image"] | None = None,
    ) -> Float[Tensor, ""]:
        """Sum over pixels and levels of the mean squared difference over its running average.

        Parameters
        ----------
        prediction, target : images with values around [0, 1], of 3 channels, or of 1 that is taken as grey. Batch and
            views are flattened into the first axis; the target gets no gradient.
        weights : of the images, with sum 1; equal if not given.
        """
        if weights is None:
            weights = prediction.new_full((len(prediction),), 1 / len(prediction))
        with torch.no_grad():
            wanted = self.levels(target)
        levels = zip(self.levels(prediction), wanted, strict=True)
        terms = torch.stack([(found - want).float().square().flatten(1).mean(dim=1) @ weights.float() for found, want in levels])
        averages: Tensor = self.averages(terms, len(prediction)) if self.training else self.averages.first
        return (terms / averages.clamp_min(1e-12)).sum()

    def levels(self, images: Float[Tensor, "image channel height width"]) -> list[Tensor]:
        """Give the pixels, and the features of each level."""
        colour = images.expand(-1, 3, -1, -1)
        return [colour, *self.features(colour)]


def freeze(network: nn.Module) -> nn.Module:
    """Turn all weights of a network, in place, into buffers that no checkpoint holds."""
    for layer in network.modules():
        for name, value in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            delattr(layer, name)
            layer.register_buffer(name, value.detach(), persistent=False)
    return network


class GradientPyramid(nn.Module):
    """Features without weights: colour and its differences to the right and below, at five resolutions."""

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> list[Float[Tensor, "image 9 _ _"]]:
        """Features of `images` at full, 1/2, 1/4, 1/8 and 1/16 resolution."""
        levels = []
        for level in range(N_LEVELS):
            if level:
                images = nn.functional.avg_pool2d(images, 2, ceil_mode=True)
            right = nn.functional.pad(images.diff(dim=-1), (0, 1))
            below = nn.functional.pad(images.diff(dim=-2), (0, 0, 0, 1))
            levels.append(torch.cat([images, right, below], dim=1))
        return levels
