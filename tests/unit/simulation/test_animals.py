import pytest

from bkind3d.simulation.animals import Take


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, (50, 50)), (2.0, (20, 80)), (9.0, (0, 100))])
def test_the_rest_is_in_the_middle(seconds: float, expected: tuple[int, int]) -> None:
    assert Take(frames=100, rate=30.0, arena=700.0, rest_seconds=seconds).find_rest() == expected


def test_the_rest_is_at_the_beginning_or_the_end_where_that_is_asked() -> None:
    begin, end = (Take(frames=100, rate=30.0, arena=700.0, rest_seconds=2.0, rest=when).find_rest() for when in ("begin", "end"))
    assert (begin, end) == ((0, 60), (40, 100))
