"""What methods share whose network looks into a volume: the detector, and headings where the settings want them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.config import TrainingConfig, VolumeModelConfig
from bkind3d.data.datasets import SessionFrames, Views
from bkind3d.methods.base import Model
from bkind3d.networks.detector import KeypointDetector, VolumeEstimate
from bkind3d.networks.heading_fit import find_headings


class VolumeModel(Model):
    """A detector that looks into cubes, turned to the subject's heading if the settings say so.

    Parameters are those of :class:`Model`, and of :class:`bkind3d.networks.detector.KeypointDetector`.
    """

    def __init__(
        self,
        config: VolumeModelConfig,
        names: Sequence[str],
        load: bool = True,
        mirror_order: Sequence[int] | None = None,
        place_spread: float | None = None,
    ) -> None:
        super().__init__(config, names)
        self.detector = KeypointDetector(config, len(names), mirror_order, place_spread, load)

    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> VolumeEstimate:
        """Find the points in cubes that are turned by `turns`."""
        estimate: VolumeEstimate = self.detector(views, turns)
        return estimate

    def prepare(self, sessions: Sequence[SessionFrames], settings: TrainingConfig) -> dict[str, Float[NDArray, "frame"]]:
        """Find the body's shape and the headings of all frames."""
        if self.detector.headings is None:
            return super().prepare(sessions, settings)
        return find_headings(self.detector.headings, sessions, settings.seed, settings.validation_sessions)

    def find_headings(self, session: SessionFrames, device: str = "cpu") -> Float[NDArray, "frame"]:
        """Find the headings of a session by the body's shape, where the settings want headings."""
        if self.detector.headings is None:
            return super().find_headings(session, device)
        return np.asarray(self.detector.headings.find(session, device))

    @property
    def heading_agreement(self) -> float | None:
        """Of the fits of the body's shape."""
        finder = self.detector.headings
        return float(finder.agreement) if finder is not None and finder.noise > 0 else None

    def keep_less(self) -> None:
        """Compute the large parts of the network twice."""
        self.detector.economical = True

    def round_products(self) -> None:
        """Round in the network that looks into the volume."""
        self.detector.volume_network.round_products()

    @property
    def encoder_revision(self) -> str:
        """Of the detector's image encoder."""
        return self.detector.encoder.revision if self.detector.encoder is not None else ""
