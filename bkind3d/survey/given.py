"""Silhouettes without a background: those that another program found, and those of subjects that are all brighter or darker than the room."""

from collections.abc import Iterator
from typing import Literal, Protocol

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from bkind3d.config import SurveyConfig
from bkind3d.survey.light import Picture
from bkind3d.survey.silhouettes import Mask, Silhouettes, close_gaps, gather_clusters

Region = Bool[NDArray, "height width"] | None


class Finder(Protocol):
    """Finds the silhouettes of one frame after the other."""

    def find(self, picture: Picture) -> Silhouettes:
        """The silhouettes of the next frame, which `picture` (RGB) shows."""


class GivenFinder:
    """Gives the `masks` (0 or 255) of one frame after the other, as far as they lie in the `region`."""

    def __init__(self, masks: Iterator[Mask], config: SurveyConfig, region: Region = None) -> None:
        self._masks, self._config, self._region = masks, config, region

    def find(self, picture: Picture) -> Silhouettes:
        """The next mask, in clusters."""
        mask = next(self._masks)
        return gather_clusters((mask > 0 if self._region is None else (mask > 0) & self._region).astype(np.uint8), self._config)


class BrightnessFinder:
    """Finds what is brighter, or darker, than the rest of the room: high contrast, or light from behind.

    The limit divides the grey levels of `samples` into two groups, each as alike as can be (Otsu, 1979).
    """

    def __init__(
        self, samples: UInt8[NDArray, "frame height width 3"], kind: Literal["bright", "dark"], config: SurveyConfig, region: Region = None
    ) -> None:
        self._config, self._region = config, region
        grey = np.stack([cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY) for sample in samples])
        shown = grey if region is None else grey[:, region]
        self.limit = cv2.threshold(shown.reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
        self._kind = cv2.CMP_GT if kind == "bright" else cv2.CMP_LE

    def find(self, picture: Picture) -> Silhouettes:
        """What lies on the subject's side of the limit, in clusters."""
        marked = cv2.compare(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), self.limit, self._kind) & 1
        marked = marked if self._region is None else marked & self._region
        return gather_clusters(close_gaps(marked, self._config.close_px), self._config)
