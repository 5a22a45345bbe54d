"""What is found out about a calibration: sentences for people, in three degrees."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """One thing that is found.

    Attributes
    ----------
    level : failure (beyond a limit, or plainly wrong), warning, or remark.
    kind : what it is about: error, square, spread, copy, mirrored, moved, timing, misfit, scale, squares, unshared, views, world.
    cameras : names of those that it is about.
    text : one sentence.
    """

    level: Literal["failure", "warning", "remark"]
    kind: str
    cameras: tuple[str, ...]
    text: str

    def describe(self) -> dict[str, Any]:
        """For metadata."""
        return {"level": self.level, "kind": self.kind, "cameras": list(self.cameras), "text": self.text}


def list_failures(findings: Iterable[Finding]) -> list[Finding]:
    """Those that stop the workflow."""
    return [finding for finding in findings if finding.level == "failure"]


def log_findings(findings: Iterable[Finding]) -> None:
    """Say all that was found."""
    for finding in findings:
        (log.info if finding.level == "remark" else log.warning)("%s", finding.text)
