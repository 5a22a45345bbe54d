"""Number the records of docs/decisions.md and write their index: `python .ci/write_decisions.py`.

A record is a heading, a line that says when, whether it is in force, its topic and where it stands in the code, and its text.
A heading without a number gets the next one; links lose backticks, within which the site sees no link; one without such a line gets today's date and the topic `Not sorted yet`.
"""

import datetime
import re
from pathlib import Path
from typing import NamedTuple

PATH = Path(__file__).parents[1] / "docs/decisions.md"
_HEADING = re.compile(r"^## (?:(\d+)\. )?(.+)$", re.MULTILINE)
_ABOUT = re.compile(r"\*(\d{4}-\d\d-\d\d) · ([^·\n]+) · ([^·\n]+?)(?: · (\[[^\n]+))?\*\n")
_INDEX = "## Index"


class Record(NamedTuple):
    """A decision."""

    number: int
    title: str
    date: str
    status: str
    topic: str
    code: str
    text: str

    @property
    def anchor(self) -> str:
        """Of its heading, as sites and hosts make it."""
        return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", f"{self.number}. {self.title}").strip().lower())

    def write(self) -> str:
        """The record as it stands in the file."""
        about = " · ".join(filter(None, (self.date, self.status, self.topic, self.code)))
        return f"## {self.number}. {self.title}\n*{about}*\n\n{self.text.strip()}\n"


def read_records(text: str) -> tuple[str, list[Record]]:
    """What stands before the index, and all records."""
    start, *found = [match for match in _HEADING.finditer(text) if match[0] != _INDEX] or [None]
    headings = [start, *found] if start else []
    records: list[Record] = []
    for match, following in zip(headings, [*headings[1:], None], strict=True):
        body = text[match.end() : following.start() if following else None].lstrip("\n")
        about = _ABOUT.match(body)
        date, status, topic, code = (
            about.groups(default="") if about else (datetime.date.today().isoformat(), "in force", "Not sorted yet", "")
        )
        number = int(match[1] or 0) or max((record.number for record in records), default=0) + 1
        records.append(Record(number, match[2], date, status, topic, code.replace("`", ""), body[about.end() :] if about else body))
    return text[: headings[0].start() if headings else None].partition(_INDEX)[0], records


def write_records(head: str, records: list[Record]) -> str:
    """The whole file, with the index by topic; topics in the order of their first record."""
    topics: dict[str, list[Record]] = {}
    for record in records:
        topics.setdefault(record.topic, []).append(record)
    lines = [
        f"**{topic}**: " + "; ".join(f"[{one.number}. {one.title}](#{one.anchor})" for one in some) + "\n" for topic, some in topics.items()
    ]
    return "\n".join([head.rstrip(), "", _INDEX, "", *lines, *(record.write() for record in records)])


if __name__ == "__main__":
    PATH.write_text(write_records(*read_records(PATH.read_text())))
