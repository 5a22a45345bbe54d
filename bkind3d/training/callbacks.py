"""What is done beside the steps of a training: pictures of what keypoints look like, and looks at sessions that nothing is learned from."""

import logging
import math
from dataclasses import replace
from pathlib import Path

import cv2
import lightning
import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from bkind3d.checkpoint import Provenance, save_model
from bkind3d.data.datasets import Moments, SessionFrames, Views, collate_moments
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.projection import project_points
from bkind3d.training.machine import sum_over_processes
from bkind3d.training.module import Training

log = logging.getLogger(__name__)

#: Moments of the session that are shown, previews of a training, and side in pixels of a view.
N_MOMENTS, N_PREVIEWS, SIDE = 3, 10, 160
#: Stands in place of a step's number when pairs and cubes for validation are drawn: they are the same ones every time.
DRAWS_OF_VALIDATION = 999_999


class Previews(Callback):
    """Draw the keypoints into all views of a few moments of a session: the file `path`, replaced by each newer one, and TensorBoard's pictures."""

    def __init__(self, session: SessionFrames, headings: Float[NDArray, "..."], path: Path) -> None:
        self.session, self.headings, self.path = session, headings, path

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Draw a preview at every tenth of the training."""
        assert isinstance(pl_module, Training)
        every = max(pl_module.config.training.steps // N_PREVIEWS, 1)
        if pl_module.step % every or not trainer.is_global_zero:
            return
        chosen = self.session.usable[np.linspace(0, len(self.session.usable) - 1, N_MOMENTS).astype(int)]
        views = self.session.decode(chosen)
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


class Validation(Callback):
    """Compute the objective on the same samples of held-out sessions again and again; keep the best model.

    Every process computes all of it, so that all come to the same decision; as many samples at once as training computes. The best model is
    kept in `path`, with its `provenance`.
    """

    def __init__(self, samples: Dataset[tuple[Moments, ...]], provenance: Provenance, path: Path) -> None:
        self.samples, self.provenance, self.path = samples, provenance, path
        self.batches: list[tuple[Moments, ...]] = []

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Validate every so many steps, and after the last."""
        assert isinstance(pl_module, Training)
        settings = pl_module.config.training
        if pl_module.step % settings.validation_every and not pl_module.is_last:
            return
        terms = self.compute(pl_module)
        pl_module.history.record(pl_module.step - 1, {f"validation_{name}": value for name, value in terms.items()})
        # The processes' own values may differ by rounding.
        self.judge(trainer, pl_module, float(sum_over_processes(terms["total"]) / trainer.world_size))

    def judge(self, trainer: lightning.Trainer, module: Training, value: float) -> None:
        """Keep the model if it is the best so far, which one without a finite value never is; stop if none was for long."""
        settings, best = module.config.training, module.best
        value = value if math.isfinite(value) else math.inf
        if not best or value < best["value"]:
            module.best = {"value": value, "step": module.step, "stale": 0}
            if trainer.is_global_zero:
                save_model(module.model, replace(self.provenance, steps=module.step), self.path)
        else:
            module.best = {**best, "stale": best["stale"] + 1}
        log.info("step %d: validation %.4g, best %.4g at step %d", module.step, value, module.best["value"], module.best["step"])
        if settings.patience and module.best["stale"] >= settings.patience and not module.is_last:
            log.info("step %d: no better validation since step %d: the training ends here", module.step, module.best["step"])
            module.stopped_early = trainer.should_stop = True

    @torch.no_grad()
    def compute(self, module: Training) -> dict[str, Tensor]:
        """Mean of every term over the samples, and their total; terms that begin late count from the start, or no later step could be the best."""
        n_samples = module.config.training.validation_pairs
        parts = [range(n_samples)[first : first + 16] for first in range(0, n_samples, 16)]
        self.batches = self.batches or [collate_moments([self.samples[index] for index in part]) for part in parts]
        module.eval()
        totals: dict[str, Tensor] = {}
        for index, batch in enumerate(self.batches):
            draws = module.objective.draw(DRAWS_OF_VALIDATION + index, batch[0].views.present.shape[1], len(batch[0]))
            for n, moments, drawn in module.split(batch, draws):
                with torch.autocast(module.device.type, torch.bfloat16, enabled=module.trainer.precision == "bf16-mixed"):
                    terms, _ = module.look(moments, drawn, progress=1.0)
                for name, value in terms.items():
                    totals[name] = totals.get(name, 0) + value * n / n_samples
        module.train()
        return {**totals, "total": torch.stack(list(totals.values())).sum()}
