"""Keypoints that are dead, merged or hardly ever there: found without any truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.data.spacing import step_indices
from bkind3d.report.elements import Cell, Table, choose_decimals, format_number, format_share
from bkind3d.report.palette import mark_of
from bkind3d.report.skeleton import arrange_points, name_keypoints

#: Two keypoints closer than this share of the cube's side, on average, are one; a keypoint that moves less than
#: `STILL` within the cube does not follow the body; one that is present in less than `RARE` of the frames is hardly there.
MERGED, STILL, RARE = 0.03, 0.01, 0.5

#: Frames of a session that are looked at.
MAX_FRAMES = 500


@dataclass(frozen=True)
class KeypointHealth:
    """How the keypoints of one session behave.

    Attributes
    ----------
    names : the keypoints.
    present : share of the frames with a position.
    confidence, spread, reprojection_px : medians over the frames.
    motion : standard deviation of the position within the subject's cube, as a share of the cube's side.
    nearest : index of the keypoint that is nearest on average.
    nearest_distance : that average distance, as a share of the cube's side.
    """

    names: list[str]
    present: Float[NDArray, "..."]
    confidence: Float[NDArray, "..."]
    spread: Float[NDArray, "..."]
    reprojection_px: Float[NDArray, "..."]
    motion: Float[NDArray, "..."]
    nearest: Int[NDArray, "..."]
    nearest_distance: Float[NDArray, "..."]

    def dead(self) -> list[str]:
        """Keypoints that are hardly ever there, or do not move with the body."""
        return [
            name for name, present, motion in zip(self.names, self.present, self.motion, strict=True) if present < RARE or motion < STILL
        ]

    def merged(self) -> list[tuple[str, str]]:
        """Pairs of keypoints that lie on each other."""
        near = [(index, int(other)) for index, other in enumerate(self.nearest) if self.nearest_distance[index] < MERGED]
        return [(self.names[first], self.names[second]) for first, second in sorted({(min(pair), max(pair)) for pair in near})]


def examine_keypoints(keypoints: pd.DataFrame, location: pd.DataFrame, side: float) -> KeypointHealth:
    """Look at the keypoints of one session.

    Parameters
    ----------
    keypoints, location : the session's tables; world units.
    side : side of the subject's cube, world units.
    """
    names = name_keypoints(keypoints)
    frames = keypoints["frame"].drop_duplicates().to_numpy()
    chosen = frames[step_indices(len(frames), MAX_FRAMES)]
    points = arrange_points(keypoints, "keypoint", names, chosen)
    centres = location.drop_duplicates("frame").set_index("frame").reindex(chosen)[["x", "y", "z"]].to_numpy(dtype=np.float64)
    grouped = keypoints.assign(present=keypoints["x"].notna()).groupby("keypoint", sort=False)
    medians = grouped[["confidence", "spread", "reprojection_px"]].median()
    nearest, distance = _find_nearest(points / side)
    return KeypointHealth(
        names=names,
        present=grouped["present"].mean().to_numpy(dtype=np.float64),
        confidence=medians["confidence"].to_numpy(dtype=np.float64),
        spread=medians["spread"].to_numpy(dtype=np.float64),
        reprojection_px=medians["reprojection_px"].to_numpy(dtype=np.float64),
        motion=_measure_motion((points - centres[:, None]) / side),
        nearest=nearest,
        nearest_distance=distance,
    )


def _measure_motion(relative: Float[NDArray, "..."]) -> Float[NDArray, "keypoint"]:
    """(keypoint,) root of the summed variances over frames of (frame, keypoint, 3) positions."""
    table = pd.DataFrame(relative.reshape(len(relative), -1))
    variances = table.var(axis=0, ddof=0).to_numpy(dtype=np.float64).reshape(-1, 3)
    return np.asarray(np.sqrt(variances.sum(axis=1)))


def _find_nearest(points: Float[NDArray, "..."]) -> tuple[Int[NDArray, "..."], Float[NDArray, "..."]]:
    """Index and mean distance of each keypoint's nearest neighbour, from (frame, keypoint, 3) positions."""
    distances = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    present = np.isfinite(distances)
    means = np.where(present, distances, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    means[present.sum(axis=0) == 0] = np.inf
    np.fill_diagonal(means, np.inf)
    nearest = means.argmin(axis=1)
    return nearest, means[np.arange(len(means)), nearest]


def build_keypoint_table(health: KeypointHealth, units: str, side: float) -> Table:
    """One row per keypoint, with its mark."""
    columns = [
        "keypoint",
        "present",
        "confidence",
        f"spread ({units})",
        "off silhouette (px)",
        f"motion in the cube ({units})",
        "nearest keypoint",
        f"at ({units})",
    ]
    decimals = choose_decimals([side / 10])
    dead, merged = set(health.dead()), {name for pair in health.merged() for name in pair}
    rows: list[Sequence[Cell]] = []
    for index, name in enumerate(health.names):
        fault = "dead" if name in dead else "merged" if name in merged else ""
        rows.append(
            [
                Cell(f"{name} ({fault})" if fault else name, "bad" if fault else "", mark=mark_of(index)),
                Cell(format_share(health.present[index])),
                Cell(format_number(health.confidence[index], 2)),
                Cell(format_number(health.spread[index], decimals)),
                Cell(format_number(health.reprojection_px[index], 1)),
                Cell(format_number(health.motion[index] * side, decimals)),
                Cell(health.names[health.nearest[index]]),
                Cell(format_number(health.nearest_distance[index] * side, decimals)),
            ]
        )
    return Table(columns, rows, frozenset(columns) - {"keypoint", "nearest keypoint"})
