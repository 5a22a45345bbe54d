"""What a check found: pass, warning or failure, one sentence, and the next step."""

import re
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


@dataclass(frozen=True)
class Cause:
    """Checks of one kind that found the same in several sessions or cameras: numbers and names apart, they say the same."""

    checks: Sequence[Check]

    @property
    def first(self) -> Check:
        """The one that stands for all."""
        return self.checks[0]

    @property
    def places(self) -> list[str]:
        """Sessions and cameras in which it was found."""
        return list(dict.fromkeys(filter(None, ("/".join(filter(None, (check.session, check.camera))) for check in self.checks))))

    def list_places(self, most: int = 6) -> str:
        """The first of these places, and how many more there are."""
        more = len(self.places) - most
        return ", ".join(self.places[:most]) + (f" and {more} more" if more > 0 else "")

    def describe(self) -> str:
        """One line."""
        if len(self.checks) == 1:
            return self.first.describe()
        return f"{self.first.describe()} [{len(self.checks)} times: {self.list_places()}]"


def group_checks(checks: Sequence[Check]) -> list[Cause]:
    """The causes of all checks, grave ones first: seven equal warnings would hide the eighth."""
    groups: dict[tuple[str, ...], list[Check]] = {}
    for check in sort_checks(checks):
        names = [name for name in (check.session, check.camera) if name]
        said = [_forget_details(text, names) for text in (check.sentence, check.next_step)]
        groups.setdefault((check.status, check.what, *said), []).append(check)
    return [Cause(found) for found in groups.values()]


def _forget_details(text: str, names: Sequence[str]) -> str:
    """A sentence without names of files, sessions and cameras, and without numbers."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(name)}\b", "*", text)
    return re.sub(r"\S+\.\w{2,4}\b:?|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "#", text)


def sort_checks(checks: Sequence[Check]) -> list[Check]:
    """Failures first, then warnings; otherwise in the order given."""
    return sorted(checks, key=lambda check: ORDER.index(check.status))


def count_checks(checks: Sequence[Check]) -> dict[str, int]:
    """How many checks have each status."""
    return {status: sum(check.status == status for check in checks) for status in ORDER}


def summarise(checks: Sequence[Check]) -> dict[str, Any]:
    """What machines read, and the report: the counts, the causes, and every check."""
    counts = count_checks(checks)
    worst = next((status for status in ORDER if counts[status]), "pass")
    causes = [asdict(cause.first) | {"times": len(cause.checks), "places": cause.places} for cause in group_checks(checks)]
    return {"status": worst, "counts": counts, "causes": causes, "checks": [asdict(check) for check in sort_checks(checks)]}
