"""A stage of MetaPose: steps for the pose and for every camera, the same whatever the order of the cameras."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

#: Numbers of a camera: of the rotation, the scale and the shift.
N_CAMERA = 10


def describe_all(features: Float[Tensor, "batch view number"], present: Bool[Tensor, "batch view"]) -> Tensor:
    """Features of every camera beside the mean and the standard deviation of all cameras that are there."""
    weights = present[..., None].to(features.dtype)
    count = weights.sum(dim=1, keepdim=True)
    mean = (weights * features).sum(dim=1, keepdim=True) / count
    spread = ((weights * (features - mean).square()).sum(dim=1, keepdim=True) / count + 1e-6).sqrt()
    return torch.cat([features, mean.expand_as(features), spread.expand_as(features)], dim=-1)


def make_layers(*widths: int) -> nn.Sequential:
    """Dense layers, each with SELU."""
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(before, after), nn.SELU()]
    return nn.Sequential(*layers)


class Stage(nn.Module):
    """The network: layers for every camera, twice with what all cameras say, and from their mean the pose.

    Parameters
    ----------
    n_joints : of the pose.
    width : of the layers; 512 in the paper.
    """

    def __init__(self, n_joints: int, width: int = 512) -> None:
        super().__init__()
        self.first = make_layers(22 * n_joints + N_CAMERA + 2, width, width, width)
        self.second = make_layers(3 * width, width, width)
        self.third = make_layers(3 * width, width)
        self.split = nn.Linear(width, width + N_CAMERA)
        self.pose, self.head = make_layers(width, width // 2, width // 4), nn.Linear(width // 4, 3 * n_joints)
        nn.init.zeros_(self.split.bias)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():  # a stage starts by changing next to nothing
            self.split.weight[width:] *= 0.01
            self.head.weight *= 0.01

    def forward(
        self, inputs: Float[Tensor, "batch view number"], present: Bool[Tensor, "batch view"]
    ) -> tuple[Float[Tensor, "batch joint 3"], Float[Tensor, "batch view 10"]]:
        """Give the steps of the pose and of the cameras."""
        features = self.first(inputs)
        features = self.second(describe_all(features, present))
        features = self.split(self.third(describe_all(features, present)))
        weights = present[..., None].to(features.dtype)
        mean = (weights * features[..., :-N_CAMERA]).sum(dim=1) / weights.sum(dim=1)
        steps = self.head(self.pose(mean))
        return steps.view(len(steps), -1, 3), features[..., -N_CAMERA:] * weights
