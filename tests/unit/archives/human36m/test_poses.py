from bkind3d.archives.human36m.poses import JOINTS


def test_sides_are_the_subjects_own() -> None:
    left, right = {*range(6, 11), *range(16, 24)}, {*range(1, 6), *range(24, 32)}
    assert {number for number, name in JOINTS.items() if name.startswith("L")} <= left
    assert {number for number, name in JOINTS.items() if name.startswith("R")} <= right
    assert len(JOINTS) == len({*JOINTS.values()}) == 17
