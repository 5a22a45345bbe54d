"""XML files, as three of the formats are."""

from pathlib import Path
from xml.etree import ElementTree

from bkind3d.config import InputError

#: Bytes at the beginning of a file that tell its format.
_HEAD = 4096


def begins_with(path: Path, text: bytes) -> bool:
    """Whether `text` stands near the beginning of the file."""
    with path.open("rb") as file:
        return text in file.read(_HEAD)


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file."""
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        raise InputError(f"{path}: is not valid XML: {error}") from None
