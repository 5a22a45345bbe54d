import json
import os
import time

import pytest

from bkind3d.config import InputError, read_values
from bkind3d.config.files import read_text


def nest(opening, closing, depth):
    return opening * depth + "1" + closing * depth


DOUBLING = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))])
MERGED = "\n".join(["a0: &a0 {b: 1}", *(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], c{i}: *a{i - 1}}}" for i in range(1, 10))])
CHAIN = "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 1000))])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", DOUBLING, "stands for more than 100,000 values"),
        ("a.yaml", MERGED, "stands for more than 100,000 values"),
        ("a.yaml", CHAIN, "more than 32 values in each other"),
        ("a.yaml", "a: &a [*a]", "a value that holds itself"),
        ("a.yaml", "&a {*a : 1}", "a value that holds itself"),
        ("a.yaml", nest("[", "]", 3000), "values in each other"),
        ("a.yaml", nest("{a: ", "}", 40), "values in each other"),
        ("a.yaml", f"a: {'9' * 6000}", "line 1: has a number of 6000 digits"),
        ("a.yaml", f"a: {'x' * 200_000}", "a word of 200000 letters"),
        ("a.yaml", 'a: "b\\0"', "a word of 2 letters that nobody can mean"),
        ("a.yaml", "a: 2026-13-45", "is not valid YAML: month must be in 1..12"),
        ("a.yaml", "a: 1\nb: {c: 1, c: 2}", "line 2: key 'c' is already in line 2; keep one of them"),
        ("a.yaml", "a: " + "x" * 2**20, "has 1 MB, more than such a file can have"),
        ("a.json", nest("[", "]", 100_000), "values in each other"),
        ("a.json", nest('{"a":', "}", 40), "values in each other"),
        ("a.json", f'{{"a": {"9" * 6000}}}', "is not valid JSON: a number of 6000 digits"),
        ("a.json", '{"a": "b\\u0000"}', "a word of 2 letters that nobody can mean"),
    ],
)  # fmt: skip
def test_what_stops_programs_is_refused_at_once(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    begin = time.monotonic()
    with pytest.raises(InputError, match=message) as refused:
        read_values(path)
    assert time.monotonic() - begin < 5
    assert str(refused.value).startswith(str(path)) and "\n" not in str(refused.value)


def test_what_people_write_is_read(tmp_path):
    text = "base: &base {steps: 100, names: [a, b]}\nfirst: {<<: *base, seed: 123456789012345678}\nsecond: *base\nthird: [*base, *base]\n"
    (tmp_path / "a.yaml").write_text(text)
    base = {"steps": 100, "names": ["a", "b"]}
    assert read_values(tmp_path / "a.yaml") == {
        "base": base,
        "first": {**base, "seed": 123456789012345678},
        "second": base,
        "third": [base] * 2,
    }
    values = {"rows": [[index, str(index)] for index in range(200_000)], "deep": {"a": {"b": [[[1.5, None]]]}}}
    (tmp_path / "a.json").write_text(json.dumps(values))
    assert read_values(tmp_path / "a.json") == values
    (tmp_path / "b.yaml").write_text("# nothing\n")
    assert read_values(tmp_path / "b.yaml") is None


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin", "a\0b", "x" * 6000, ".", "missing", "pipe"])
def test_only_files_are_read(tmp_path, path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(InputError, match=r"(is no file|cannot be read \(.+\)); look again$"):
        read_text(path, "look again")


def test_a_text_of_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes("für".encode("latin1"))
    with pytest.raises(InputError, match=r"a\.txt: is not a text in UTF-8 \(invalid start byte at byte 1\); save it as such"):
        read_text(tmp_path / "a.txt")
