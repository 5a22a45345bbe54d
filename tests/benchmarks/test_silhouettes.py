import numpy as np

from benchmarks.silhouettes import overlap, shrink


def test_the_oracle_is_half_a_pixel_off_at_the_surveys_size() -> None:
    full = np.zeros((60, 80), np.uint8)
    full[20:40, 20:60] = 255
    true, off = shrink(full, (40, 30)), shrink(full, (40, 30), 0.5)
    assert true.sum() == 200
    assert true[10:20, 10:30].all()
    assert 0.8 < overlap(true, off) < 1


def test_overlap_is_intersection_over_union() -> None:
    first, second = np.zeros((4, 4), dtype=bool), np.zeros((4, 4), dtype=bool)
    assert overlap(first, second) == 1
    first[:2], second[1:3] = True, True
    assert overlap(first, second) == 4 / 12
