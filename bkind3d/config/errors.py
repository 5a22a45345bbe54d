"""What is said to a user whose input is wrong."""

import os

#: Characters of a line: whoever sends a number of 6,000 digits need not read it again.
_LONGEST = 1000


class InputError(ValueError):
    """The user's input or configuration is wrong: one line that says where, what, and what to do (exit code 2).

    Parameters
    ----------
    where : file, row or key; empty where `what` says it.
    what : is wrong.
    remedy : what to do about it; empty where that is plain.
    """

    def __init__(self, where: str | os.PathLike[str], what: str, remedy: str = "") -> None:
        super().__init__(os.fspath(where), what, remedy)
        self.where, self.what, self.remedy = os.fspath(where), what, remedy

    @property
    def reason(self) -> str:
        """The line without where it is."""
        return str(InputError("", self.what, self.remedy))

    def __str__(self) -> str:
        line = "; ".join(filter(None, (": ".join(filter(None, (self.where, self.what))), self.remedy)))
        # Names of files may hold line feeds, and what a terminal takes for commands.
        line = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
