"""Keypoints that are of no use (dead, or merged with another one), and silhouettes that are. The one definition, for training and for what comes after."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from jaxtyping import Float
from numpy.typing import NDArray

#: Two keypoints whose mean distance is below this share of the cube's side are merged; one that moves less than `STILL` within
#: the cube does not follow the body; one that is present in less than `RARE` of the frames is hardly there.
MERGED, STILL, RARE = 0.03, 0.01, 0.5
#: Silhouettes whose intersection over union with what all views agree on (the hull, drawn back) is less are not the subject's.
AGREED = 0.8
#: Headings on which independent fits agree in a smaller share of the frames are not used.
HEADED = 0.9


@dataclass(frozen=True)
class HealthReport:
    """What is wrong with the keypoints, by their names."""

    merged: list[tuple[str, str]]
    dead: list[str]
    collapsed: bool

    def __str__(self) -> str:
        parts = [f"{a} and {b} are in one place" for a, b in self.merged] + [f"{name} never moves" for name in self.dead]
        return "all keypoints are in one place" if self.collapsed else ", ".join(parts)


def judge_health(
    names: Sequence[str],
    motion: Float[NDArray, "keypoint"],
    distances: Float[NDArray, "keypoint keypoint"],
    present: Float[NDArray, "keypoint"] | float = 1.0,
) -> HealthReport:
    """Tell which keypoints are of no use.

    Parameters
    ----------
    motion : root of the summed variances of a keypoint's place in the cube, as a share of the cube's side; NaN: never there.
    distances : mean distance of every two keypoints, as a share of the cube's side; infinite: never there together.
    present : share of the frames with a position.
    """
    pairs = list(combinations(range(len(names)), 2))
    merged = [(names[a], names[b]) for a, b in pairs if distances[a, b] < MERGED]
    dead = [name for name, lost in zip(names, (present < RARE) | (motion < STILL), strict=True) if lost]
    return HealthReport(merged, dead, 0 < len(pairs) == len(merged))
