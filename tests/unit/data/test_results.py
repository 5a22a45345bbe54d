import json

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.results import read_json, write_json


def test_what_json_cannot_hold_becomes_null_or_plain(tmp_path):
    content = {"a": float("nan"), "b": [np.float64(1.5), np.inf], "c": (np.int64(3), {"d": np.bool_(True)}), 5: None, "e": "text"}
    write_json(content, tmp_path / "sub" / "x.json")
    assert read_json(tmp_path / "sub" / "x.json") == {"a": None, "b": [1.5, None], "c": [3, {"d": True}], "5": None, "e": "text"}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    write_json({"a": 1}, path)
    with pytest.raises(TypeError):
        write_json({"a": object()}, path)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not valid JSON"), ("[1]", "expected a JSON object, found list"), (None, "cannot be read")]
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_json(path)
