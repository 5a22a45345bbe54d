"""Train a model, or take the one that an equal training has left; go on where an interrupted one stopped."""

import logging
import shutil
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import lightning
import pandas as pd
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import DataLoader, Dataset, get_worker_info

from bkind3d.checkpoint import Provenance, load_model, save_model
from bkind3d.config import ExperimentConfig, InputError
from bkind3d.data.datasets import Moments, PerSession, SessionFrames, collate_moments, describe_sessions
from bkind3d.data.parquet import read_failure, write_table
from bkind3d.data.pictures import CACHE, CACHE_BYTES
from bkind3d.data.progress import describe_progress
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.health import AGREED
from bkind3d.networks.processor import keep_freed_memory, uses_bf16
from bkind3d.training.budget import allot_steps, count_step
from bkind3d.training.callbacks import DRAWS_OF_VALIDATION, Previews, Validation
from bkind3d.training.folder import hash_files, hold_folder, identify_training
from bkind3d.training.labels import draw_labels, read_labels
from bkind3d.training.machine import Machine
from bkind3d.training.module import Training
from bkind3d.training.resume import SIGNALS, ResumeCheckpoint

log = logging.getLogger(__name__)
# Lightning tells what hardware it looked for and what else it sells: nothing that a user of a workflow's log needs.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

#: Files of a complete training, in its folder of the store. The model is written last.
COMPLETE = {"untrained": "untrained.pt", "history": "history.parquet", "edges": "edges.parquet", "model": "model.pt"}

#: Beside them, of a supervised method: the frames whose joints it learned from.
LABELS = "labels.parquet"


class ProgressLines(Callback):
    """Plain lines of progress, for logs."""

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Log a line at every twentieth of the training."""
        assert isinstance(pl_module, Training)
        total = pl_module.config.training.steps
        if pl_module.step % max(total // 20, 1) == 0:
            done = describe_progress("training", pl_module.step, total, "step", pl_module.history.seconds)
            log.info("%s, loss %.4g", done, float(trainer.callback_metrics.get("loss", torch.nan)))


def train_model(
    config: ExperimentConfig,
    frames: Mapping[str, Sequence[str | Path]],
    store: str | Path,
    machine: Machine | None = None,
    joints: Mapping[str, str | Path] | None = None,
) -> Path:
    """Train the experiment's model on the frames of the training sessions.

    Parameters
    ----------
    config : the experiment.
    frames : per training session, one frames table per camera.
    store : folder of all trainings, each in a folder named by its identity: a finished one is never trained again, an
        interrupted one goes on from its last checkpoint.
    machine : where to compute.
    joints : of the training sessions that have them, for a supervised method; no other looks at them.

    Returns
    -------
    The folder that holds the files named in :data:`COMPLETE`.

    Raises
    ------
    InputError : if the sessions do not belong together, another process trains this model, or nothing can come of the training.
    """
    frames = leave_out_failed(frames)
    labels = {name: path for name, path in (joints or {}).items() if name in frames and not read_failure(path)}
    labels = labels if config.description.role == "supervised" else {}
    hashes = hash_files({session: [*paths, *([labels[session]] if session in labels else [])] for session, paths in frames.items()})
    identity = identify_training(config, hashes)
    folder = Path(store) / identity
    if all((folder / name).exists() for name in COMPLETE.values()):
        log.info("this training is complete in %s", folder)
        return folder
    keep_freed_memory()
    with hold_folder(folder) if is_main_process() else nullcontext():
        sessions = [SessionFrames(paths) for paths in frames.values()]
        check_sessions(sessions, config.training.validation_sessions)
        log.info("training %s on\n%s", identity, describe_sessions(sessions).to_string(index=False))
        warn_of_silhouettes(sessions)
        lightning.seed_everything(config.training.seed, workers=True, verbose=False)
        names, truth = read_labels(labels, sessions) if config.description.role == "supervised" else ([], {})
        drawn = draw_labels(truth, sessions, config.training) if truth else []
        if drawn and is_main_process():
            write_table(pd.DataFrame(drawn, columns=["session", "frame"]), "labels", folder / LABELS)
        module = Training(config.for_cameras(max(len(session.cameras) for session in sessions)), names)
        revision, stated = module.model.encoder_revision, config.model_dump_json()
        provenance = Provenance(identity, 0, sessions[0].units, config.training.seed, revision, hashes, stated, config.method)
        headings = module.model.prepare(sessions, config.training)
        provenance = replace(provenance, tflop_per_step=set_steps(module, sessions, headings, truth), labels=len(drawn))
        if is_main_process():
            save_model(module.model, provenance, folder / COMPLETE["untrained"])
        fit(module, sessions, headings, truth, provenance, folder, machine or Machine())
        if is_main_process():
            finish(module, provenance, folder)
    return folder


def warn_of_silhouettes(sessions: Sequence[SessionFrames]) -> None:
    """Say in the log which sessions have silhouettes that the views do not agree on: little can be learned from them."""
    poor = [session.session for session in sessions if (session.agreement < AGREED).any()]
    if poor:
        log.warning("the views do not agree on the silhouettes of %s: look at the report's page of the session", ", ".join(poor))


def leave_out_failed(frames: Mapping[str, Sequence[str | Path]]) -> dict[str, Sequence[str | Path]]:
    """The sessions that can be learned from; those whose frames say that there are none are left out, and told."""
    kept = {}
    for session, paths in frames.items():
        reason = next(filter(None, map(read_failure, paths)), "")
        if reason:
            log.warning("session %s is not learned from: %s", session, reason)
        else:
            kept[session] = paths
    if not kept:
        raise InputError("", f"no training session can be learned from; of the last, {session}: {reason}", "correct one of them")
    return kept


def is_main_process() -> bool:
    """Whether this process writes files: the first one of a training in several processes."""
    return not getattr(rank_zero_only, "rank", 0)


def check_sessions(sessions: Sequence[SessionFrames], held_out: Sequence[str]) -> None:
    """Refuse training sessions whose worlds have different units, and validation by sessions that are not there."""
    first = sessions[0]
    for session in sessions:
        if session.units != first.units:
            where = f"its rig is in {session.units}, session {first.session} in {first.units}"
            raise InputError(f"session {session.session}", where, "use one unit in rigs.tsv")
    names = [session.session for session in sessions]
    for name in held_out:
        if name not in names:
            raise InputError("training.validation_sessions", f"{name!r} is not a training session", f"those are {', '.join(names)}")
    if len(held_out) >= len(names):
        raise InputError("training.validation_sessions", "holds out every training session", "leave at least one to learn from")


def set_steps(module: Training, sessions: Sequence[SessionFrames], headings: PerSession, joints: PerSession) -> float:
    """Count the operations of a step, in units of 10^12, and give the training as many steps as its budget allows, if it has one."""
    settings = module.config.training
    learned = [session for session in sessions if session.session not in settings.validation_sessions]
    tflop = count_step(module, module.objective.make_samples(learned, headings, joints, 1, settings.seed))
    module.config = module.config.model_copy(update={"training": allot_steps(settings, tflop)})
    steps = module.config.training.steps
    log.info("%d steps of %.4g TFLOP: %.4g TFLOP", steps, tflop, steps * tflop)
    return tflop


def fit(
    module: Training,
    sessions: Sequence[SessionFrames],
    headings: PerSession,
    joints: PerSession,
    provenance: Provenance,
    folder: Path,
    machine: Machine,
) -> None:
    """Run the training loop, from the last checkpoint in `folder` if there is one."""
    config, settings = module.config, module.config.training
    resume = ResumeCheckpoint(folder, settings.checkpoint_minutes)
    done = resume.read()
    if done:
        log.info("going on from step %d of %d", done, settings.steps)
    if resume.is_over(settings):
        resume.restore(module)
        return
    learned = [session for session in sessions if session.session not in settings.validation_sessions]
    watched = [session for session in sessions if session.session in settings.validation_sessions]
    if is_main_process():
        module.history.show_on_tensorboard(folder / "tensorboard", done)
    dataset = module.objective.make_samples(learned, headings, joints, settings.steps * settings.batch_size, settings.seed)
    shown = (watched or learned)[0]
    callbacks: list[Callback] = [Previews(shown, headings[shown.session], folder / "preview.jpg")]
    if watched:
        seed = settings.seed + DRAWS_OF_VALIDATION
        samples = module.objective.make_samples(watched, headings, joints, settings.validation_pairs, seed)
        callbacks.append(Validation(samples, provenance, folder / "best.pt"))
    callbacks += [resume, TQDMProgressBar() if sys.stderr.isatty() else ProgressLines()]
    trainer = make_trainer(config, machine, callbacks, folder)
    trainer.fit(module, make_loader(dataset, config, machine, trainer, done))


def make_trainer(config: ExperimentConfig, machine: Machine, callbacks: Sequence[Callback], folder: Path) -> lightning.Trainer:
    """Set up Lightning: it starts processes, moves data and casts numbers; steps and checkpoints are our own."""
    # Image encoders are in eval mode on purpose.
    harmless = "LeafSpec.* is deprecated|does not have many workers|in eval mode at the start of training|The `srun` command is"
    warnings.filterwarnings("ignore", message=f".*({harmless})")
    devices = machine.count_devices(config.training.batch_size)
    several = devices * machine.nodes > 1
    return lightning.Trainer(
        min_epochs=0,
        max_epochs=1,
        accelerator=machine.accelerator,
        devices=devices,
        num_nodes=machine.nodes,
        strategy=DDPStrategy(broadcast_buffers=False) if several else "auto",
        # A job that Slurm ends is started again by whoever sent it.
        plugins=[SLURMEnvironment(auto_requeue=False) if several and SLURMEnvironment.detect() else LightningEnvironment()],
        precision="bf16-mixed" if uses_bf16(config.training.precision, machine.accelerator) else "32-true",
        callbacks=list(callbacks),
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
        default_root_dir=folder,
    )


class SamplesOrErrors(Dataset[tuple[Moments, ...] | InputError]):
    """Samples, and in place of one that is refused its error, which comes as it is from another process; what is raised there does not."""

    def __init__(self, samples: Dataset[tuple[Moments, ...]]) -> None:
        self.samples = samples

    def __getitem__(self, index: int) -> tuple[Moments, ...] | InputError:
        try:
            return self.samples[index]
        except InputError as error:
            return error


def collate(samples: Sequence[tuple[Moments, ...] | InputError]) -> tuple[Moments, ...] | InputError:
    """A batch of the samples, or the first error among them, which the training raises."""
    errors = [sample for sample in samples if isinstance(sample, InputError)]
    return errors[0] if errors else collate_moments([sample for sample in samples if not isinstance(sample, InputError)])


def make_loader(
    dataset: Dataset[tuple[Moments, ...]], config: ExperimentConfig, machine: Machine, trainer: lightning.Trainer, done: int
) -> DataLoader[object]:
    """Load what this process computes of the batches from step `done` on: a batch is shared out in order."""
    size, workers = config.training.batch_size, machine.count_workers(torch.get_num_threads())
    share = size // trainer.world_size
    starts = [step * size + trainer.global_rank * share for step in range(done, config.training.steps)]
    return DataLoader(
        SamplesOrErrors(dataset),
        batch_sampler=[list(range(start, start + share)) for start in starts],
        collate_fn=collate,
        num_workers=workers,
        pin_memory=machine.accelerator == "cuda",
        worker_init_fn=prepare_loading,
        persistent_workers=workers > 0,
    )


def prepare_loading(worker: int) -> None:
    """Share the memory for pictures, and live until the parent has written a checkpoint: schedulers signal all processes of a job."""
    torch.set_num_threads(1)
    information = get_worker_info()
    CACHE.clear(CACHE_BYTES // (information.num_workers if information is not None else 1))
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def finish(module: Training, provenance: Provenance, folder: Path) -> None:
    """Write the files of a complete training; with validation, model and edges are the best ones and the last model stands beside them."""
    model, best = (module.model, replace(provenance, steps=module.step)), folder / "best.pt"
    if best.exists():
        save_model(*model, folder / "last.pt")
        model = load_model(best)
    write_table(module.history.table(), "history", folder / COMPLETE["history"], {"tflop_per_step": provenance.tflop_per_step})
    edges = pd.DataFrame(model[0].list_edges(), columns=["keypoint_a", "keypoint_b", "weight"])
    write_table(edges, "edges", folder / COMPLETE["edges"])
    save_model(*model, folder / COMPLETE["model"])
    for name in ("best.pt", "resume.pt"):
        (folder / name).unlink(missing_ok=True)


def deliver(folder: Path, outputs: Mapping[str, str | Path]) -> None:
    """Copy the files of a complete training to where the workflow wants them (keys of :data:`COMPLETE`)."""
    if not is_main_process():
        return
    for name, path in outputs.items():
        with replaced_when_complete(path) as temporary:
            shutil.copyfile(folder / COMPLETE[name], temporary)
