"""Cameras that aniposelib's bundle adjustment may adjust in full; imported late, because aniposelib is slow to import."""

import numpy as np
from aniposelib.cameras import Camera, FisheyeCamera
from jaxtyping import Shaped
from numpy.typing import NDArray


class AdjustedCamera(Camera):  # type: ignore[misc]
    """aniposelib's camera, of which also the principal point is adjusted.

    aniposelib's own keeps the principal point where it is, and what it is off by goes into focal length and place. Parameters,
    in order: rotation vector (3), translation (3), focal length, principal point (2, pixels), k1, and k2 with `extra_dist`.
    Other coefficients stay, which aniposelib would set to zero.
    """

    def get_params(self, only_extrinsics: bool = False) -> Shaped[NDArray, "..."]:
        """The parameters to adjust, the first six with `only_extrinsics`."""
        lens = [] if only_extrinsics else [self.get_focal_length(), *self.matrix[:2, 2], *self.dist[: 1 + self.extra_dist]]
        return np.concatenate([self.rvec, self.tvec, lens])

    def set_params(self, params: Shaped[NDArray, "..."], only_extrinsics: bool = False) -> None:
        """Take adjusted parameters."""
        self.set_rotation(params[:3])
        self.set_translation(params[3:6])
        if not only_extrinsics:
            self.set_focal_length(params[6])
            self.matrix[:2, 2], self.dist[: 1 + self.extra_dist] = params[7:9], params[9:]


class AdjustedFisheyeCamera(AdjustedCamera, FisheyeCamera):  # type: ignore[misc]
    """The same with aniposelib's fisheye lens."""
