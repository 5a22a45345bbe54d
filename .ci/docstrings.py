"""Extension of griffe: docstrings as this project writes them, ``name : what it is``, for the site.

Types and shapes stand in the signatures; numpydoc's parser would take what follows the colon for a type.
"""

import re
from typing import Any

import griffe

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n(.*?)(?=^\w[\w ]*\n-{3,}\n|\Z)", re.MULTILINE | re.DOTALL)
_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_ENTRY = re.compile(r"^(\S[^:\n]*) : ", re.MULTILINE)


def spell_docstring(text: str) -> str:
    """A docstring with its entries as numpydoc's parser reads them; what is returned is a paragraph before them."""
    sections = _SECTION.findall(text)
    parts = [text[: match.start()] if (match := _SECTION.search(text)) else text]
    parts += [f"**Returns:** {content.strip()}\n\n" for title, content in sections if title == "Returns"]
    parts += [f"{title}\n{'-' * len(title)}\n" + _ENTRY.sub(r"\1\n    ", content) for title, content in sections if title != "Returns"]
    return "".join(parts)


class PlainEntries(griffe.Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = spell_docstring(_ROLE.sub(r"`\1`", obj.docstring.value))
