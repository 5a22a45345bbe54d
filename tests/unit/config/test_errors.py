import pickle

import pytest

from bkind3d.config import InputError


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("a.tsv", "is empty", "add a row"), "a.tsv: is empty; add a row"),
        (("a.tsv", "is empty"), "a.tsv: is empty"),
        (("", "nothing was found", "look again"), "nothing was found; look again"),
        (("a\nb\x1b[31m", "is\tred"), r"a\nb\x1b[31m: is\tred"),
    ],
)
def test_an_error_is_one_line_of_its_parts(parts, line):
    error = InputError(*parts)
    assert str(error) == line
    again = pickle.loads(pickle.dumps(error))
    assert (again.where, again.what, again.remedy, str(again)) == (parts[0], parts[1], (*parts, "")[2], line)


def test_a_long_line_keeps_its_beginning_and_its_end():
    line = str(InputError("a.tsv", f"start is {'9' * 6000}", "correct it"))
    assert line.startswith("a.tsv: start is 999") and line.endswith("correct it") and len(line) < 1100
