"""Train a model, or take the one that an equal training has left; go on where an interrupted one stopped."""

import logging
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader

from bkind3d.checkpoint import Provenance, save_model
from bkind3d.config import ExperimentConfig, InputError
from bkind3d.data.datasets import PairDataset, SessionFrames, collate_pairs, describe_sessions
from bkind3d.data.parquet import replaced_when_complete, write_table
from bkind3d.training.headings import find_headings
from bkind3d.training.identity import identify_training
from bkind3d.training.module import DiscoveryTraining

log = logging.getLogger(__name__)
# Lightning tells what hardware it looked for and what else it sells: nothing that a user of a workflow's log needs.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

#: Files of a complete training, in its folder of the store.
COMPLETE = {"model": "model.pt", "untrained": "untrained.pt", "history": "history.parquet", "edges": "edges.parquet"}


class ProgressLines(Callback):
    """Plain lines of progress, for logs."""

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        total = int(trainer.max_steps)
        if trainer.global_step % max(total // 20, 1) == 0:
            log.info("step %d of %d, loss %.4g", trainer.global_step, total, float(trainer.callback_metrics.get("loss", torch.nan)))


def train_model(config: ExperimentConfig, frames: dict[str, Sequence[str | Path]], store: str | Path, device: str = "auto") -> Path:
    """Train the experiment's model on the frames of the training sessions.

    Parameters
    ----------
    config : the experiment.
    frames : per training session, one frames table per camera.
    store : folder of all trainings, each in a folder named by its identity: a finished one is never trained again, an
        interrupted one goes on from its last checkpoint.
    device : a Lightning accelerator (``auto``, ``cpu``, ``cuda``).

    Returns
    -------
    The folder that holds the files named in :data:`COMPLETE`.
    """
    identity = identify_training(config, [path for paths in frames.values() for path in paths])
    folder = Path(store) / identity
    if all((folder / name).exists() for name in COMPLETE.values()):
        log.info("this training is complete in %s", folder)
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    sessions = [SessionFrames(paths) for paths in frames.values()]
    check_sessions(sessions)
    log.info("training %s on\n%s", identity, describe_sessions(sessions).to_string(index=False))
    lightning.seed_everything(config.training.seed, workers=True, verbose=False)
    module = DiscoveryTraining(config)
    provenance = Provenance(identity, 0, sessions[0].units, config.training.seed)
    if module.model.detector.headings is not None:
        find_headings(module.model.detector.headings, sessions, config.training.seed)
    save_model(module.model, provenance, folder / COMPLETE["untrained"])
    fit(module, sessions, config, folder, device)
    write_table(module.history_table(), "history", folder / COMPLETE["history"])
    write_table(module.edges_table(), "edges", folder / COMPLETE["edges"])
    save_model(
        module.model, Provenance(identity, config.training.steps, sessions[0].units, config.training.seed), folder / COMPLETE["model"]
    )
    return folder


def check_sessions(sessions: Sequence[SessionFrames]) -> None:
    """Refuse training sessions whose worlds have different units."""
    for session in sessions:
        if session.units != sessions[0].units:
            raise InputError(
                f"session {session.session}: its rig is in {session.units}, session {sessions[0].session} in {sessions[0].units}; use one unit in rigs.tsv"
            )


def fit(module: DiscoveryTraining, sessions: Sequence[SessionFrames], config: ExperimentConfig, folder: Path, device: str) -> None:
    """Run the training loop from the last checkpoint in `folder`, if there is one."""
    settings = config.training
    resume = folder / "last.ckpt"
    done = int(torch.load(resume, map_location="cpu", weights_only=False)["global_step"]) if resume.exists() else 0
    if done:
        log.info("going on from step %d of %d", done, settings.steps)
    gap = settings.frame_gap_seconds if config.losses.reconstruction else None
    dataset = PairDataset(sessions, settings.steps * settings.batch_size, settings.neighbour_frames, settings.seed, gap)
    loader = DataLoader(
        dataset, batch_size=settings.batch_size, sampler=range(done * settings.batch_size, len(dataset)), collate_fn=collate_pairs
    )
    checkpoint = ModelCheckpoint(
        dirpath=folder, filename="last", train_time_interval=module.checkpoint_interval, enable_version_counter=False
    )
    shown = TQDMProgressBar() if sys.stderr.isatty() else ProgressLines()
    trainer = lightning.Trainer(
        max_steps=settings.steps,
        accelerator=device,
        devices=1,
        precision="bf16-mixed" if uses_bf16(settings.precision, device) else "32-true",
        gradient_clip_val=settings.gradient_clip,
        callbacks=[checkpoint, shown],
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
        default_root_dir=folder,
    )
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated")
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    trainer.fit(module, loader, ckpt_path=resume if done else None, weights_only=False)
    resume.unlink(missing_ok=True)


def uses_bf16(precision: str, device: str) -> bool:
    """Tell whether the network computes in bf16: as asked for, or where the device is built for it."""
    if precision == "auto":
        return torch.cuda.is_bf16_supported() if device != "cpu" and torch.cuda.is_available() else torch.cpu._is_avx512_bf16_supported()
    return precision == "bf16"


def deliver(folder: Path, outputs: dict[str, str | Path]) -> None:
    """Copy the files of a complete training to where the workflow wants them (keys of :data:`COMPLETE`)."""
    for name, path in outputs.items():
        with replaced_when_complete(path) as temporary:
            shutil.copyfile(folder / COMPLETE[name], temporary)
