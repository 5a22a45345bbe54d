"""A session's keypoints as a file: found frame by frame, looked at again, calibrated, smoothed, and written with all that is known of them."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.checkpoint import hash_file, load_model
from bkind3d.config import PREDICTION_REVISION, InputError, PredictionConfig
from bkind3d.data.datasets import SessionFrames, Views, iterate_batches
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.progress import track
from bkind3d.data.writing import replaced_when_complete
from bkind3d.inference.confidence import TURN_DEGREES, calibrate_confidences, look_again
from bkind3d.inference.residuals import measure_residuals
from bkind3d.inference.smoothing import smooth_keypoints
from bkind3d.methods.base import Model
from bkind3d.networks.detector import Estimate
from bkind3d.networks.processor import keep_freed_memory, uses_bf16

#: Frames of a chunk: what a job that is interrupted loses at most.
CHUNK_FRAMES = 2000

#: Moments computed together: on a processor as many as stay in its caches.
TOGETHER = {"cpu": 4, "cuda": 16}

#: What is found of a keypoint, in the order of its columns.
N_VALUES = 6


def predict_session(
    model: Path, frames: Sequence[Path], output: Path, settings: PredictionConfig, batch_size: int | None = None, device: str = "cpu"
) -> None:
    """Write the keypoints of a session (table ``keypoints``; world units).

    Parameters
    ----------
    model : file of a trained, or untrained, model.
    frames : tables of the session, one per camera.
    output : the table to write; finished chunks are kept beside it until it is there.
    batch_size : moments computed together; :data:`TOGETHER` if not given.

    Raises
    ------
    InputError : where the frames are in other units than those that the model was trained in.
    """
    keep_freed_memory()
    batch_size = batch_size or TOGETHER[device]
    network, provenance = load_model(model)
    network = network.eval().to(device)
    if uses_bf16("auto", device):
        network.round_products()
    session = SessionFrames(frames)
    if session.units != provenance.units:
        raise InputError(frames[0], f"is in {session.units}, but {model} was trained in {provenance.units}", "use one unit in rigs.tsv")
    headings = network.find_headings(session, device)
    parts = find_parts(output, model, frames, settings.turns)
    found = predict_keypoints(network, session, headings, batch_size, device, settings.turns, parts)
    first = found[["x", "y", "z"]].to_numpy(np.float32).reshape(len(session), -1, 3) if settings.turns == 1 else None
    look = look_again(network, session, headings, batch_size, device, positions=first)
    table, confidence = calibrate_confidences(found, look, session.side)
    origin = {"units": session.units, "session": session.session, "model": provenance.identity, "steps": provenance.steps}
    origin |= {"labels": provenance.labels} if provenance.labels else {}
    seen = {"side": session.side, "rate": session.rate, "n_views": len(session.cameras), **provenance.describe_network()}
    agreement = look.summarise() | {"headings": network.heading_agreement}
    metadata = {**origin, **seen, "agreement": agreement, "confidence": confidence, **settings.model_dump()}
    write_table(smooth_keypoints(table, settings.smooth_seconds), "keypoints", output, metadata)
    shutil.rmtree(parts, ignore_errors=True)


def write_no_keypoints(model: Path, frames: Sequence[Path], output: Path, reason: str) -> None:
    """Write the table of a session in which nothing could be found: every keypoint of every frame that is known, without a position."""
    network, provenance = load_model(model)
    table, place = read_table(frames[0], "frames", ["frame", "time_s"]), read_metadata(frames[0])
    index = {"frame": np.repeat(table["frame"], len(network.names)), "time_s": np.repeat(table["time_s"], len(network.names))}
    empty = {**dict.fromkeys(("x", "y", "z", "spread", "reprojection_px"), np.nan), "confidence": 0.0}
    origin = {"units": provenance.units, "session": place["session"], "model": provenance.identity, "steps": provenance.steps}
    seen = {"side": place.get("side"), "rate": place.get("rate") or 1.0, "n_views": len(frames), **provenance.describe_network()}
    keypoints = pd.DataFrame({**index, "keypoint": list(network.names) * len(table)}).assign(**empty)
    write_table(keypoints, "keypoints", output, {**origin, **seen, "failed": place.get("failed") or reason})


@torch.inference_mode()
def predict_keypoints(
    model: Model,
    session: SessionFrames,
    headings: Float[NDArray, "frame"],
    batch_size: int = 16,
    device: str = "cpu",
    n_turns: int = 1,
    parts: Path | None = None,
) -> pd.DataFrame:
    """Find the keypoints of a session, chunk by chunk.

    Parameters
    ----------
    session, headings : the frames, and where the subject faces in them, radians.
    batch_size : moments computed together.
    n_turns : cubes, turned by at most a small angle to either side, over whose answers positions are averaged.
    parts : folder in which finished chunks are kept until all are there; those that it holds are not computed again.

    Returns
    -------
    A keypoints table: every frame x keypoint has a row; where the subject is not located, positions are NaN and the
    confidence is 0. Positions and spread are in world units; a confidence is the share of the heatmap near its mean.
    ``reprojection_px`` is how far, on average over the views that show it, the keypoint projects off the subject's silhouette,
    in pixels of the frames' images (0: on the subject in every view; NaN: no view shows it).
    """
    chunks = []
    for start in track(range(0, len(session), CHUNK_FRAMES), f"predict {session.session}", unit="chunk"):
        stop = min(start + CHUNK_FRAMES, len(session))
        part = parts / f"{start}.npy" if parts is not None else None
        values = read_part(part, (stop - start, len(model.names), N_VALUES))
        if values is None:
            values = predict_chunk(model, session, headings, range(start, stop), batch_size, device, n_turns)
            if part is not None:
                with replaced_when_complete(part) as temporary:
                    np.save(temporary, values)
        chunks.append(values)
    return make_table(session, np.concatenate(chunks), model.names)


def find_parts(output: Path, model: Path, frames: Sequence[Path], n_turns: int) -> Path:
    """Folder beside `output` for chunks of exactly this model, these frames and this revision; those of others are removed."""
    state = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in frames]
    content = f"{hash_file(model)} {state} {n_turns} {CHUNK_FRAMES} {PREDICTION_REVISION}"
    folder = output.with_name(f".{output.stem}.{hashlib.sha256(content.encode()).hexdigest()[:16]}")
    for other in output.parent.glob(f".{output.stem}.*"):
        if other != folder and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
    return folder


def read_part(path: Path | None, shape: tuple[int, int, int]) -> Float[NDArray, "..."] | None:
    """Read a chunk that was finished before; none where there is none, or one that does not fit."""
    try:
        values = np.load(path) if path is not None else None
    except (OSError, ValueError):
        return None
    return values if values is not None and values.shape == shape else None


def predict_chunk(
    model: Model, session: SessionFrames, headings: Float[NDArray, "frame"], frames: range, batch_size: int, device: str, n_turns: int
) -> Float[NDArray, "..."]:
    """Find the keypoints of some consecutive frames: (frame, keypoint, value)."""
    values = np.full((len(frames), len(model.names), N_VALUES), np.nan, np.float32)
    values[..., 3] = 0
    chosen = session.usable[(session.usable >= frames.start) & (session.usable < frames.stop)]
    for indices, views in iterate_batches(session, batch_size, chosen):
        estimate = look_from_turns(model, views.to(device), torch.from_numpy(headings[indices]).to(device), n_turns)
        residuals = measure_residuals(estimate.positions.cpu(), views)
        columns = [estimate.positions.cpu(), estimate.confidences.cpu()[..., None], estimate.spreads.cpu()[..., None], residuals[..., None]]
        values[indices - frames.start] = torch.cat(columns, dim=-1).numpy()
    return values


def look_from_turns(model: Model, views: Views, headings: Float[Tensor, "batch"], n_turns: int) -> Estimate:
    """Average positions, spreads and confidences over cubes that are turned evenly within :data:`TURN_DEGREES` to either side."""
    if n_turns == 1:
        estimate: Estimate = model(views, headings)
        return estimate
    turns = np.radians(np.linspace(-TURN_DEGREES, TURN_DEGREES, n_turns))
    estimates = [model(views, headings + float(turn)) for turn in turns]
    means = {name: torch.stack([getattr(e, name) for e in estimates]).mean(dim=0) for name in ("positions", "spreads", "confidences")}
    return Estimate(**means)


def make_table(session: SessionFrames, values: Float[NDArray, "..."], names: list[str]) -> pd.DataFrame:
    """Lay out values (frame, keypoint, 6) as a keypoints table."""
    n_frames, n_keypoints = values.shape[:2]
    index = {"frame": np.repeat(session.frames, n_keypoints), "time_s": np.repeat(session.times, n_keypoints)}
    table = pd.DataFrame({**index, "keypoint": names * n_frames})
    table[["x", "y", "z", "confidence", "spread", "reprojection_px"]] = values.reshape(-1, 6)
    return table
