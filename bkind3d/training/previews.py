"""Pictures of what the keypoints look like while a training goes on."""

import logging
from pathlib import Path

import cv2
import lightning
import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray

from bkind3d.data.datasets import SessionFrames, Views
from bkind3d.data.parquet import replaced_when_complete
from bkind3d.geometry.projection import project_points
from bkind3d.training.module import Training

log = logging.getLogger(__name__)

#: Moments of the session that are shown, previews of a training, and side in pixels of a view.
N_MOMENTS, N_PREVIEWS, SIDE = 3, 10, 160


class Previews(Callback):
    """Draw the keypoints into all views of a few moments: the file `path`, and TensorBoard's pictures.

    Parameters
    ----------
    session, headings : whose moments are shown, and where the subject faces in them.
    path : the picture, replaced by each newer one.
    """

    def __init__(self, session: SessionFrames, headings: Float[NDArray, "..."], path: Path) -> None:
        self.session, self.headings, self.path = session, headings, path

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Draw a preview at every tenth of the training."""
        assert isinstance(pl_module, Training)
        every = max(pl_module.config.training.steps // N_PREVIEWS, 1)
        if pl_module.step % every or not trainer.is_global_zero:
            return
        chosen = self.session.usable[np.linspace(0, len(self.session.usable) - 1, N_MOMENTS).astype(int)]
        views = Views.stack([self.session.decode(int(index)) for index in chosen])
        picture = self.draw(pl_module, views, torch.from_numpy(self.headings[chosen]))
        pl_module.history.show_picture(pl_module.step, picture)
        try:
            with replaced_when_complete(self.path) as temporary:
                temporary.write_bytes(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes())
        except OSError as error:
            log.warning("no preview at step %d: %s", pl_module.step, error)

    @torch.no_grad()
    def draw(self, module: Training, views: Views, headings: torch.Tensor) -> UInt8[NDArray, "..."]:
        """Lay out the views of every moment in a row, with a dot of its own colour for every keypoint: RGB."""
        module.eval()
        positions = module.model(views.to(module.device), headings.to(module.device)).positions.float().cpu()
        module.train()
        pixels = project_points(positions, views.projections)[0].numpy()
        colours = cv2.applyColorMap(np.linspace(0, 255, positions.shape[1]).astype(np.uint8)[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]
        images = (views.images.permute(0, 1, 3, 4, 2).numpy() * 255).astype(np.uint8)
        rows = [[draw_points(*view, colours) for view in zip(*moment, strict=True)] for moment in zip(images, pixels, strict=True)]
        return np.vstack([np.hstack(row) for row in rows])


def draw_points(image: UInt8[NDArray, "..."], points: Float[NDArray, "..."], colours: UInt8[NDArray, "..."]) -> UInt8[NDArray, "..."]:
    """Enlarge a view to :data:`SIDE` pixels and put a dot at every point (pixels of the view)."""
    scale = SIDE / len(image)
    canvas = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    for (x, y), colour in zip((points + 0.5) * scale - 0.5, colours.tolist(), strict=True):
        if np.isfinite([x, y]).all() and max(abs(x), abs(y)) < 4 * SIDE:
            cv2.circle(canvas, (round(float(x)), round(float(y))), 3, colour, -1, cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)
