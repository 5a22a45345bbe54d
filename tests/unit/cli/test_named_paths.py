import pytest

from bkind3d.cli.named_paths import read_named_paths
from bkind3d.config import InputError


def test_names_are_given_once() -> None:
    assert read_named_paths(["a=x", "b=y=z"], "--videos") == {"a": "x", "b": "y=z"}
    with pytest.raises(InputError, match="'a' is given twice"):
        read_named_paths(["a=x", "a=y"], "--videos")
