"""Samples for training and inference: one moment of a session in all its views, read from the frames tables."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from bkind3d.config import InputError
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.pictures import PictureFile
from bkind3d.geometry.cameras import Array
from bkind3d.geometry.windows import cut_pair

#: Draws after which a dataset gives up finding a pair that stays within its windows.
MOST_DRAWS = 1000

#: Pictures of a camera that are looked at to tell whether it shows anything.
N_LOOKS = 5

PROJECTION_COLUMNS = [f"p{i}{j}" for i in range(3) for j in range(4)]
INDEX_COLUMNS = ["frame", "time_s", "x", "y", "z", "valid", *PROJECTION_COLUMNS]

log = logging.getLogger(__name__)


class _Batch:
    """Tensors, and batches of them, whose first axis is the moment."""

    def to(self, device: torch.device | str) -> Self:
        """Move every tensor to `device`; to a GPU without waiting for those that are pinned."""
        wait = torch.device(device).type == "cpu"
        return type(self)(
            *(part.to(device, non_blocking=not wait) if isinstance(part, Tensor) else part.to(device) for part in vars(self).values())
        )

    def pin_memory(self) -> Self:
        """Put every tensor where a GPU can fetch it by itself."""
        return type(self)(*(part.pin_memory() for part in vars(self).values()))

    def take(self, rows: slice) -> Self:
        """Give some moments."""
        return type(self)(*(part[rows] if isinstance(part, Tensor) else part.take(rows) for part in vars(self).values()))

    @classmethod
    def stack(cls, batches: Sequence[Self]) -> Self:
        """Join batches along their first axis."""
        columns = zip(*(vars(batch).values() for batch in batches), strict=True)
        return cls(*(torch.cat(parts) if isinstance(parts[0], Tensor) else type(parts[0]).stack(parts) for parts in columns))


@dataclass(frozen=True)
class Views(_Batch):
    """A batch of moments, each seen by several cameras.

    Attributes
    ----------
    images : RGB in [0, 1]; without channels where silhouettes alone were asked for.
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
        return self.masks.shape[-1], self.masks.shape[-2]


@dataclass(frozen=True)
class Moments(_Batch):
    """A batch of moments to learn from: their views, and what else is known of them.

    Attributes
    ----------
    headings : radians about the vertical axis, from the world's x axis: which way the subject faces; 0 where not found.
    joints : world units, NaN where not known; none of them (a length of 0) for methods that learn without.
    """

    views: Views
    headings: Float[Tensor, "batch"]
    joints: Float[Tensor, "batch joint 3"]

    def __len__(self) -> int:
        return len(self.headings)


#: Pictures or silhouettes of some views.
Pictures = Sequence[UInt8[NDArray, "..."]] | UInt8[NDArray, "..."]
#: What is known of every frame of a session, by the session's name: headings, or joints in world units.
PerSession = Mapping[str, Array]


class NoFramesError(InputError):
    """A session that holds nothing to look at, while others may."""


def _check_together(paths: Sequence[str | Path], metadata: Sequence[Mapping[str, Any]]) -> None:
    """Refuse tables that are none of frames, or not of one session and frameset."""
    for path, entry in zip(paths, metadata, strict=True):
        if entry.get("table") != "frames":
            raise InputError(path, "is not a frames table of this package", "extract the frames with the workflow")
        if entry.get("failed"):
            raise NoFramesError(f"session {entry['session']}", str(entry["failed"]))
        for key in ("session", "side", "units", "size", "margin"):
            if entry[key] != metadata[0][key]:
                raise InputError(path, f"{key} is {entry[key]!r}, but {metadata[0][key]!r} in {paths[0]}", "extract both again")


class SessionFrames:
    """The frames of one session: their index in memory (about 60 bytes per frame and camera), pictures read when asked for.

    There is one frames table per camera, all of one session and one frameset. Views are in the order of the cameras' names, in whatever
    order the tables come: a method that tells views apart meets each in its place.

    Raises
    ------
    NoFramesError : where the tables hold no usable frame.
    InputError : where they do not belong together.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        named = sorted(((read_metadata(path), path) for path in paths), key=lambda entry: str(entry[0].get("camera")))
        metadata, paths = [entry for entry, _ in named], [path for _, path in named]
        _check_together(paths, metadata)
        self.side, self.units, self.rate = float(metadata[0]["side"]), str(metadata[0]["units"]), float(metadata[0]["rate"])
        self.session = str(metadata[0]["session"])
        #: How far the views agree on each camera's silhouettes, as where the subject was located; NaN where that is not known.
        self.agreement = np.array([entry.get("agreement") or np.nan for entry in metadata], np.float64)
        #: Seconds between kept frames; `rate` is that of the videos.
        self.interval = int(metadata[0].get("step", 1)) / self.rate
        tables = [read_table(path, "frames", INDEX_COLUMNS) for path in paths]
        for path, table in zip(paths, tables, strict=True):
            if not np.array_equal(table["frame"], tables[0]["frame"]):
                raise InputError(path, f"has {len(table)} frames that are not those of {paths[0]} ({len(tables[0])})", "extract both again")
        self.cameras = [str(entry["camera"]) for entry in metadata]
        self.frames = tables[0]["frame"].to_numpy()
        self.times = tables[0]["time_s"].to_numpy()
        self.centres = tables[0][["x", "y", "z"]].to_numpy(np.float32)
        self.valid = np.stack([table["valid"].to_numpy(bool) for table in tables], axis=1)
        self.projections = np.stack([table[PROJECTION_COLUMNS].to_numpy(np.float32).reshape(-1, 3, 4) for table in tables], axis=1)
        self._pictures = [PictureFile(path) for path in paths]
        for view, camera in enumerate(self.cameras):
            rows = np.flatnonzero(self.valid[:, view])
            if len(rows) and self._pictures[view].is_blank(rows[np.linspace(0, len(rows) - 1, N_LOOKS).astype(int)]):
                log.warning("session %s: the pictures of %s show one colour; it is left out", self.session, camera)
                self.valid[:, view] = False
        #: Side in pixels of the picture of the cube, without the margin.
        self.size = int(metadata[0]["size"])
        #: Indices at which at least two views see the subject.
        self.usable = np.flatnonzero((self.valid.sum(axis=1) >= 2) & np.isfinite(self.centres).all(axis=1))
        if not len(self.usable):
            what = f"session {self.session} has no frame in which two cameras see the subject"
            raise NoFramesError(paths[0], what, "look at its location and survey")

    def __len__(self) -> int:
        return len(self.frames)

    def decode(self, moments: Int[NDArray, "moment"], n_views: int | None = None, pictures: bool = True) -> Views:
        """Give some moments as a batch, padded with absent views to `n_views`; without `pictures` their silhouettes alone."""
        rows, views = np.nonzero(self.valid[moments])
        pairs = [*zip(moments[rows].tolist(), views.tolist(), strict=True)]
        images = [self._pictures[view].decode(moment) for moment, view in pairs] if pictures else []
        masks = [self._pictures[view].decode_mask(moment) for moment, view in pairs]
        return self._lay_out(moments, rows, views, images, masks, self.projections[moments[rows], views], n_views)

    def decode_pair(self, index: int, gap_seconds: float, n_views: int | None = None) -> tuple[int, Views, Views] | None:
        """Give the frame `gap_seconds` after `index`, and both moments cut with one window per view out of the stored margins.

        Views in which the window would leave a margin are left out; with fewer than two left there is no pair. Nor is there
        one where no frame was kept at that time.
        """
        wanted = self.times[index] + gap_seconds
        later = int(np.searchsorted(self.times, wanted - 0.5 * self.interval))
        if later >= len(self) or self.times[later] > wanted + self.interval or not np.isfinite(self.centres[later]).all():
            return None
        views = np.flatnonzero(self.valid[index] & self.valid[later])
        if len(views) < 2:
            return None
        images, masks = zip(*(self._decode_moment(moment, views) for moment in (index, later)), strict=True)
        projections = (self.projections[index, views].astype(np.float64), self.projections[later, views].astype(np.float64))
        pair = cut_pair(images, masks, projections, self.size)
        kept = pair.inside
        if kept.sum() < 2:
            return None
        cut = zip((index, later), pair.images[:, kept], pair.masks[:, kept], strict=True)
        row, kept_views = np.zeros(kept.sum(), int), views[kept]
        first, second = (
            self._lay_out(np.array([moment]), row, kept_views, shown, within, pair.projections[kept], n_views)
            for moment, shown, within in cut
        )
        return later, first, second

    def _decode_moment(self, index: int, views: Int[NDArray, "view"]) -> tuple[Pictures, Pictures]:
        """Decode the RGB images and the masks of some views."""
        return [self._pictures[view].decode(index) for view in views], [self._pictures[view].decode_mask(index) for view in views]

    def _lay_out(
        self,
        moments: Int[NDArray, "moment"],
        rows: Int[NDArray, "picture"],
        views: Int[NDArray, "picture"],
        images: Pictures,
        masks: Pictures,
        projections: Array,
        n_views: int | None,
    ) -> Views:
        """Put what exists at its place: row among the moments, and view among `n_views`."""
        shape, side = (len(moments), n_views or len(self.cameras)), len(masks[0])
        all_images, all_masks = np.zeros((*shape, side, side, 3 * (len(images) > 0)), np.uint8), np.zeros((*shape, 1, side, side), np.uint8)
        all_projections, present = np.zeros((*shape, 3, 4), np.float32), np.zeros(shape, bool)
        if len(images):
            all_images[rows, views] = images
        all_masks[rows, views, 0], all_projections[rows, views], present[rows, views] = masks, projections, True
        in_order = torch.from_numpy(all_images).permute(0, 1, 4, 2, 3)
        return Views(
            images=in_order.to(torch.float32, memory_format=torch.contiguous_format).div_(255),
            masks=torch.from_numpy(all_masks).float().div_(255),
            projections=torch.from_numpy(all_projections),
            present=torch.from_numpy(present),
            centres=torch.from_numpy(self.centres[moments]),
            sides=torch.full((len(moments),), self.side),
        )


class MomentDataset(Dataset[tuple[Moments, ...]]):
    """Random moments of sessions, in proportion to their usable frames.

    An item is drawn with a generator seeded by (seed, index): the same index always gives the same moments, so that an
    interrupted training goes on with exactly the samples that it would have met.

    Parameters
    ----------
    headings : of every frame of each session, radians.
    joints : of every frame of each session, world units, NaN where not known; if given, only frames with some known joint are drawn.

    Raises
    ------
    InputError : where joints are given and no usable frame has any.
    """

    def __init__(
        self, sessions: Sequence[SessionFrames], headings: PerSession, length: int, seed: int, joints: PerSession | None = None
    ) -> None:
        self.sessions, self.headings, self.length, self.seed, self.joints = list(sessions), headings, length, seed, joints
        self.n_views = max(len(session.cameras) for session in sessions)
        self.usable = [session.usable for session in sessions]
        if joints is not None:
            labelled = [np.isfinite(joints[session.session].min(axis=2)).any(axis=1) for session in sessions]
            self.usable = [usable[known[usable]] for usable, known in zip(self.usable, labelled, strict=True)]
        shares = np.array([len(usable) for usable in self.usable], float)
        if not shares.any():
            raise InputError(
                "", "no frame of the training sessions in which two cameras see the subject has joints", "check their frame numbers"
            )
        self._shares = shares / shares.sum()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Moments, ...]:
        rng = np.random.default_rng((self.seed, index))
        chosen = rng.choice(len(self.sessions), p=self._shares)
        first = int(rng.choice(self.usable[chosen]))
        return (self.describe(self.sessions[chosen], first, self.sessions[chosen].decode(np.array([first]), self.n_views)),)

    def describe(self, session: SessionFrames, index: int, views: Views) -> Moments:
        """Put what is known of frame `index` beside its views."""
        joints = np.empty((0, 3), np.float32) if self.joints is None else self.joints[session.session][index]
        heading = self.headings[session.session][index : index + 1]
        return Moments(views, torch.from_numpy(heading.copy()), torch.from_numpy(joints.astype(np.float32))[None])


class PairDataset(MomentDataset):
    """Random pairs of moments of the same session.

    Parameters
    ----------
    distance : largest number of kept frames between the two moments of a pair.
    gap_seconds : if given, the two moments lie exactly this far apart instead (to the nearest kept frame), and both are
        cut with one common window, so that a still background is still in the pair.

    Raises
    ------
    InputError : where `gap_seconds` is so short that both moments would be one frame.
    """

    def __init__(
        self,
        sessions: Sequence[SessionFrames],
        headings: PerSession,
        length: int,
        seed: int,
        distance: int,
        gap_seconds: float | None = None,
    ) -> None:
        for session in sessions:
            if gap_seconds is not None and gap_seconds <= session.interval * (0.5 + 1e-6):
                least = math.ceil(session.interval * 1e4) / 1e4
                raise InputError(
                    "training.frame_gap_seconds",
                    f"{gap_seconds:g} s pairs frames of session {session.session} with themselves, as it keeps {1 / session.interval:g} "
                    "frames per second",
                    f"set at least {least:g}",
                )
        super().__init__(sessions, headings, length, seed)
        self.distance, self.gap_seconds = distance, gap_seconds

    def __getitem__(self, index: int) -> tuple[Moments, ...]:
        rng = np.random.default_rng((self.seed, index))
        for _ in range(MOST_DRAWS):
            session = self.sessions[rng.choice(len(self.sessions), p=self._shares)]
            first = int(rng.choice(session.usable))
            if self.gap_seconds is None:
                second = int(rng.choice(session.usable[np.abs(session.usable - first) <= self.distance]))
                views = tuple(session.decode(np.array([moment]), self.n_views) for moment in (first, second))
            else:
                pair = session.decode_pair(first, self.gap_seconds, self.n_views)
                if pair is None:
                    continue
                second, views = pair[0], pair[1:]
            return self.describe(session, first, views[0]), self.describe(session, second, views[1])
        raise InputError(
            f"session {session.session}",
            f"of {MOST_DRAWS} pairs {self.gap_seconds} s apart none stays within its windows",
            "raise the frameset's margin or lower training.frame_gap_seconds",
        )


def collate_moments(samples: Sequence[tuple[Moments, ...]]) -> tuple[Moments, ...]:
    """Join samples into a batch of first moments, one of second moments, and so on."""
    return tuple(Moments.stack(moments) for moments in zip(*samples, strict=True))


def iterate_batches(
    session: SessionFrames, batch_size: int, chosen: Int[NDArray, "..."] | None = None, pictures: bool = True
) -> Iterator[tuple[Int[NDArray, "..."], Views]]:
    """Give the usable (or the chosen) moments of a session in order: their indices and their views, or these silhouettes alone."""
    moments = session.usable if chosen is None else chosen
    for start in range(0, len(moments), batch_size):
        indices = moments[start : start + batch_size]
        yield indices, session.decode(indices, pictures=pictures)


def describe_sessions(sessions: Sequence[SessionFrames]) -> pd.DataFrame:
    """One row per session: its name, number of cameras, frames and usable frames, cube, and the least agreement of its silhouettes."""
    rows = [(s.session, len(s.cameras), len(s), len(s.usable), s.side, s.units, s.agreement.min()) for s in sessions]
    return pd.DataFrame(rows, columns=["session", "n_cameras", "n_frames", "n_usable", "side", "units", "agreement"])
