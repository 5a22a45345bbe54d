"""What a check found: pass, warning or failure, one sentence, and the next step."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["pass", "warning", "failure"]

#: The grave ones first.
ORDER: tuple[Status, ...] = ("failure", "warning", "pass")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    status : how it is.
    what : name of the check.
    sentence : what was found.
    next_step : what to do; empty where nothing is to be done.
    session, camera : whose; empty for the whole study or session.
    """

    status: Status
    what: str
    sentence: str
    next_step: str = ""
    session: str = ""
    camera: str = ""

    @classmethod
    def of_error(cls, what: str, error: Exception, next_step: str, camera: str = "") -> "Check":
        """A failure out of an error's line, which may say itself, behind its last semicolon, what to do."""
        sentence, _, step = str(error).rpartition("; ")
        return cls("failure", what, sentence or str(error), step if sentence else next_step, camera=camera)

    def describe(self) -> str:
        """One line."""
        where = "/".join(filter(None, (self.session, self.camera)))
        return f"{self.status:8}{where + ': ' if where else ''}{self.sentence}{'; ' + self.next_step if self.next_step else ''}"


def sort_checks(checks: Sequence[Check]) -> list[Check]:
    """Failures first, then warnings; otherwise in the order given."""
    return sorted(checks, key=lambda check: ORDER.index(check.status))


def summarise(checks: Sequence[Check]) -> dict[str, Any]:
    """What machines read: the counts, and every check."""
    counts = {status: sum(check.status == status for check in checks) for status in ORDER}
    worst = next((status for status in ORDER if counts[status]), "pass")
    return {"status": worst, "counts": counts, "checks": [asdict(check) for check in sort_checks(checks)]}
