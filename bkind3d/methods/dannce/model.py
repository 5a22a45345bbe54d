"""The network of DANNCE: a cube of colours, those of every camera in channels of their own, and a 3D U-Net."""

from collections.abc import Sequence
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.data.datasets import Views
from bkind3d.geometry.voxels import sample_views
from bkind3d.methods.dannce.settings import DannceModelConfig
from bkind3d.methods.ordered import OrderedCamerasModel
from bkind3d.networks.cube import Cube
from bkind3d.networks.detector import Estimate, run_economically
from bkind3d.networks.unet3d import UNet3d


class DannceModel(OrderedCamerasModel):
    """Colours of all cameras in a cube, the U-Net, and a head that averages or takes the peak."""

    config: DannceModelConfig

    def __init__(self, config: DannceModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__(config, names)
        self.volume_network = UNet3d(3 * self.n_cameras, len(self.names), config.volume_channels, config.volume_levels)
        if config.head == "peak":  # a sigmoid that starts at a half everywhere would first have to forget that
            nn.init.constant_(cast(Tensor, self.volume_network.head.bias), -4.0)
        self.economical = False

    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> Estimate:
        """Find the joints in cubes that are turned by `turns`."""
        cube = Cube.around(views, self.config.volume_size, turns)
        logits = self.find_logits(views, cube)
        if self.config.head == "average":
            return cube.estimate(logits.softmax(dim=-1))
        heatmaps = logits.sigmoid()
        return cube.estimate(heatmaps / heatmaps.sum(dim=-1, keepdim=True).clamp_min(1e-12), at_peaks=True)

    def find_logits(self, views: Views, cube: Cube) -> Float[Tensor, "batch joint voxel"]:
        """Give a logit for every joint and voxel."""
        logits: Tensor = run_economically(self.volume_network, self.collect_colours(views, cube), economical=self.economical)
        return logits.flatten(2).float()

    def collect_colours(self, views: Views, cube: Cube) -> Float[Tensor, "batch channel x y z"]:
        """Colours (-1 to 1) of every camera at every voxel, from the nearest pixel; 0 where a camera does not see it."""
        colours, _ = sample_views(self.take_colours(views), views.projections, views.image_size, views.present, cube.voxels, "nearest")
        return colours.flatten(1, 2).view(len(colours), -1, *(cube.size,) * 3)

    def keep_less(self) -> None:
        """Compute the network twice."""
        self.economical = True
