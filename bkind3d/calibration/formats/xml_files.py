"""XML files, as two of the formats are."""

from pathlib import Path
from xml.etree import ElementTree

from bkind3d.config import InputError


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file."""
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        raise InputError(f"{path}: is not valid XML: {error}") from None
