"""What a check found: pass, warning or failure, one sentence, and the next step."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bkind3d.config import InputError

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
    def of_error(cls, what: str, error: InputError, next_step: str, camera: str = "") -> "Check":
        """A failure out of an error; `next_step` where it does not say itself what to do."""
        return cls("failure", what, str(InputError(error.where, error.what)), error.remedy or next_step, camera=camera)

    def to_error(self, more: str = "", advice: str = "") -> InputError:
        """The check as an error, with `more` and further `advice` behind it."""
        where = "/".join(filter(None, (self.session, self.camera)))
        return InputError(where, self.sentence, "; ".join(filter(None, (f"{self.next_step}{more}", advice))))

    def describe(self) -> str:
        """One line."""
        return f"{self.status:8}{self.to_error()}"


def sort_checks(checks: Sequence[Check]) -> list[Check]:
    """Failures first, then warnings; otherwise in the order given."""
    return sorted(checks, key=lambda check: ORDER.index(check.status))


def summarise(checks: Sequence[Check]) -> dict[str, Any]:
    """What machines read: the counts, and every check."""
    counts = {status: sum(check.status == status for check in checks) for status in ORDER}
    worst = next((status for status in ORDER if counts[status]), "pass")
    return {"status": worst, "counts": counts, "checks": [asdict(check) for check in sort_checks(checks)]}
