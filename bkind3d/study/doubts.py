"""What makes a result doubtful though nobody has compared it with the truth: what is measured, how much is too much, and what to do then."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of doubt.

    Attributes
    ----------
    limit : of what is measured; `above` it there is doubt, or below it.
    says : what is wrong, as the beginning of a sentence.
    unit : behind a value; ``%`` for shares.
    advice : what to do.
    """

    limit: float
    above: bool
    says: str
    unit: str
    advice: str

    def format(self, value: float) -> str:
        """A value in words."""
        return f"{100 * value:.0f} %{self.unit.removeprefix('%')}" if self.unit.startswith("%") else f"{value:.2g}{self.unit}"


_SILHOUETTES = (
    "look at the silhouettes in the doctor's page; mask what else moves, or give the empty room (mask, background in cameras.tsv)"
)

#: What is within these limits need not be good: half of the results that were no better than the mean pose were not told, and some that are good were
#: (benchmarks/README.md). Limits of outlines, jitter, emptiness and headings lie between good and worse results of simulated subjects for tuning, seven
#: scenes. Before any training the doctor says already where outlines agree to less than 0.8 (``geometry.health.AGREED``).
KINDS: dict[str, Kind] = {
    "views": Kind(0.7, False, "Cameras do not see the subject in one place", "% of them agree", _SILHOUETTES + ", or leave the camera out"),
    "outlines": Kind(0.7, False, "Silhouettes of a camera contradict those of the others", "% in common with the hull of all", _SILHOUETTES),
    "flicker": Kind(0.15, True, "Silhouettes flicker", "% larger or smaller from frame to frame", _SILHOUETTES),
    "jitter": Kind(0.55, True, "The subject's centre trembles against its body", "% as far as the body moves", _SILHOUETTES),
    "wide": Kind(1.0, True, "The cube around the subject is wider than the picture", " times as wide", "set location.side to the subject's size"),
    "empty": Kind(0.07, False, "The cube is far larger than the subject", "% of it filled in the pictures", "set location.side to the body's length"),
    "diffuse": Kind(0.3, True, "Keypoints are anywhere: their heatmaps fill the cube", "% of its side wide", "train longer, or look at the frames"),
    "off": Kind(0.25, True, "Keypoints lie off the subject's silhouettes", "% of them", f"{_SILHOUETTES}; then train again"),
    "left_out": Kind(0.05, True, "Keypoints lie off the silhouette of a view that was left out", "% of the cube's side", f"{_SILHOUETTES}; then train again"),
    "unsteady": Kind(0.05, True, "Keypoints depend on which cameras look", "% of the cube's side apart with one camera less", "train longer, or check the calibration"),
    "headings": Kind(0.6, False, "Which way the subject faces is doubtful: independent fits disagree", "% of frames agree",
                     "check which axis is up (up in rigs.tsv), and the silhouettes; a body without a front needs model.heading: false"),
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """A value of one of the :data:`KINDS`, and where it was measured: in a session, of a camera or an experiment where these matter."""

    kind: str
    session: str
    value: float
    camera: str = ""
    experiment: str = ""

    @property
    def is_doubtful(self) -> bool:
        """Whether it is beyond its limit; what is not known is not."""
        kind = KINDS[self.kind]
        return math.isfinite(self.value) and (self.value > kind.limit if kind.above else self.value < kind.limit)

    @property
    def where(self) -> str:
        """Session and camera."""
        return f"{self.session}, {self.camera}" if self.camera else self.session


def describe_doubts(measures: Iterable[Measure], most: int = 6) -> list[str]:
    """A sentence for each kind of doubt that there is, and for each experiment that it is of: what, how much, where, and what to do; the worst first."""
    grouped: dict[tuple[str, str], list[Measure]] = {}
    for measure in measures:
        if measure.is_doubtful:
            grouped.setdefault((measure.kind, measure.experiment), []).append(measure)
    sentences = []
    for (name, experiment), found in sorted(grouped.items(), key=lambda item: list(KINDS).index(item[0][0])):
        kind = KINDS[name]
        ordered = sorted(found, key=lambda measure: measure.value, reverse=kind.above)
        places = [f"{measure.where} ({kind.format(measure.value)})" for measure in ordered[:most]]
        if len(ordered) > 1 and len({measure.value for measure in ordered}) == 1:  # of the model, not of a session
            places, ordered = [f"in all of {len(ordered)} sessions ({kind.format(ordered[0].value)})"], ordered[:1]
        more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
        of = f"{experiment}: " if experiment else ""
        sentences.append(f"{of}{kind.says}: {', '.join(places)}{more}; {kind.advice}.")
    return sentences
