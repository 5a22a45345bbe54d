"""What methods share whose network tells cameras apart by their order."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from bkind3d.config import InputError, OrderedCamerasConfig
from bkind3d.data.datasets import Views
from bkind3d.methods.base import Model


class OrderedCamerasModel(Model):
    """A network for a number of cameras, each in its place. Parameters are those of :class:`Model`."""

    config: OrderedCamerasConfig

    def __init__(self, config: OrderedCamerasConfig, names: Sequence[str] = ()) -> None:
        super().__init__(config, names)
        if config.n_cameras is None:
            raise InputError("model.n_cameras", "is not known", "give the number of cameras")
        self.n_cameras = config.n_cameras

    def take_colours(self, views: Views) -> Float[Tensor, "batch view 3 height width"]:
        """Colours of the pictures, -1 to 1; refuse those of another number of cameras."""
        n_views = views.present.shape[1]
        if n_views != self.n_cameras:
            what = f"shows {n_views} cameras to a network that was made for {self.n_cameras}, each in its place"
            raise InputError("session", what, "give it the cameras of the training sessions")
        return 2 * views.images - 1
