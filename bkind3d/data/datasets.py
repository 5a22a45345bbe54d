"""Samples for training and inference: one moment of a session in all its views, read from the frames tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from bkind3d.config import InputError
from bkind3d.data.parquet import read_metadata, read_table

PROJECTION_COLUMNS = [f"p{i}{j}" for i in range(3) for j in range(4)]


@dataclass(frozen=True)
class Views:
    """A batch of moments, each seen by several cameras.

    Attributes
    ----------
    images : RGB in [0, 1].
    masks : silhouettes of the subject in [0, 1].
    projections : world to pixels of exactly these images.
    present : views that exist; the rest of their entries are zero.
    centres : world units; where the cube around the subject lies.
    sides : world units; the cube's side.
    """

    images: Float[Tensor, "batch view 3 height width"]
    masks: Float[Tensor, "batch view 1 height width"]
    projections: Float[Tensor, "batch view 3 4"]
    present: Bool[Tensor, "batch view"]
    centres: Float[Tensor, "batch 3"]
    sides: Float[Tensor, "batch"]

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.images.shape[-1], self.images.shape[-2]

    def to(self, device: torch.device | str) -> "Views":
        """Move every tensor to `device`."""
        return Views(*(getattr(self, field.name).to(device) for field in fields(self)))

    @staticmethod
    def stack(moments: Sequence["Views"]) -> "Views":
        """Join batches along their first axis."""
        return Views(*(torch.cat([getattr(moment, field.name) for moment in moments]) for field in fields(Views)))


class SessionFrames:
    """The frames of one session: encoded pictures in memory, decoded when asked for.

    Parameters
    ----------
    paths : one frames table per camera, all of one session and one frameset.

    Raises
    ------
    InputError
        Where the tables do not belong together or hold no usable frame.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        metadata = [read_metadata(path) for path in paths]
        self.side, self.units, self.rate = float(metadata[0]["side"]), str(metadata[0]["units"]), float(metadata[0]["rate"])
        self.session = str(metadata[0]["session"])
        for path, entry in zip(paths, metadata, strict=True):
            for key in ("session", "side", "units", "size", "margin"):
                if entry[key] != metadata[0][key]:
                    raise InputError(f"{path}: {key} is {entry[key]!r}, but {metadata[0][key]!r} in {paths[0]}; extract both again")
        tables = [read_table(path, "frames") for path in paths]
        for path, table in zip(paths, tables, strict=True):
            if not np.array_equal(table["frame"], tables[0]["frame"]):
                raise InputError(f"{path}: has {len(table)} frames that are not those of {paths[0]} ({len(tables[0])}); extract both again")
        self.cameras = [str(entry["camera"]) for entry in metadata]
        self.frames = tables[0]["frame"].to_numpy()
        self.times = tables[0]["time_s"].to_numpy()
        self.centres = tables[0][["x", "y", "z"]].to_numpy(np.float32)
        self.valid = np.stack([table["valid"].to_numpy(bool) for table in tables], axis=1)
        self.projections = np.stack([table[PROJECTION_COLUMNS].to_numpy(np.float32).reshape(-1, 3, 4) for table in tables], axis=1)
        self._images = [table["image"].to_list() for table in tables]
        self._masks = [table["mask"].to_list() for table in tables]
        self._size = max((int(table["width"].max()) for table in tables if len(table)), default=0)
        #: Indices at which at least two views see the subject.
        self.usable = np.flatnonzero((self.valid.sum(axis=1) >= 2) & np.isfinite(self.centres).all(axis=1))
        if not len(self.usable):
            raise InputError(f"{paths[0]}: session {self.session} has no frame in which two cameras see the subject; look at its location and survey")

    def __len__(self) -> int:
        return len(self.frames)

    def decode(self, index: int, n_views: int | None = None) -> Views:
        """Give moment `index` as a batch of one, padded with absent views to `n_views`."""
        n_views = n_views or len(self.cameras)
        images = np.zeros((n_views, self._size, self._size, 3), np.uint8)
        masks = np.zeros((n_views, self._size, self._size), np.uint8)
        projections = np.zeros((n_views, 3, 4), np.float32)
        present = np.zeros(n_views, bool)
        for view in np.flatnonzero(self.valid[index]):
            images[view] = cv2.cvtColor(cv2.imdecode(np.frombuffer(self._images[view][index], np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            masks[view] = cv2.imdecode(np.frombuffer(self._masks[view][index], np.uint8), cv2.IMREAD_GRAYSCALE)
            projections[view], present[view] = self.projections[index, view], True
        return Views(
            images=torch.from_numpy(images).permute(0, 3, 1, 2)[None].float() / 255,
            masks=torch.from_numpy(masks)[None, :, None].float() / 255,
            projections=torch.from_numpy(projections)[None],
            present=torch.from_numpy(present)[None],
            centres=torch.from_numpy(self.centres[index].copy())[None],
            sides=torch.tensor([self.side], dtype=torch.float32),
        )


class PairDataset(Dataset[tuple[Views, Views]]):
    """Random pairs of moments of the same session, at most `distance` kept frames apart.

    An item is drawn with a generator seeded by (seed, index): the same index always gives the same pair, so that an
    interrupted training goes on with exactly the samples that it would have met.
    """

    def __init__(self, sessions: Sequence[SessionFrames], length: int, distance: int, seed: int) -> None:
        self.sessions, self.length, self.distance, self.seed = list(sessions), length, distance, seed
        self.n_views = max(len(session.cameras) for session in sessions)
        self._shares = np.array([len(session.usable) for session in sessions], float)
        self._shares /= self._shares.sum()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Views, Views]:
        rng = np.random.default_rng((self.seed, index))
        session = self.sessions[rng.choice(len(self.sessions), p=self._shares)]
        first = int(rng.choice(session.usable))
        near = session.usable[np.abs(session.usable - first) <= self.distance]
        return session.decode(first, self.n_views), session.decode(int(rng.choice(near)), self.n_views)


def collate_pairs(pairs: Sequence[tuple[Views, Views]]) -> tuple[Views, Views]:
    """Join pairs into a batch of first and a batch of second moments."""
    return Views.stack([first for first, _ in pairs]), Views.stack([second for _, second in pairs])


def iterate_batches(session: SessionFrames, batch_size: int) -> Iterator[tuple[np.ndarray, Views]]:
    """Give the usable moments of a session in order: their indices and their views."""
    for start in range(0, len(session.usable), batch_size):
        indices = session.usable[start : start + batch_size]
        yield indices, Views.stack([session.decode(int(index)) for index in indices])


def describe_sessions(sessions: Sequence[SessionFrames]) -> pd.DataFrame:
    """One row per session: its name, number of cameras, frames and usable frames."""
    rows = [(s.session, len(s.cameras), len(s), len(s.usable), s.side, s.units) for s in sessions]
    return pd.DataFrame(rows, columns=["session", "n_cameras", "n_frames", "n_usable", "side", "units"])
