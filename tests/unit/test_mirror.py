"""The tests mirror the package: a file of tests is named after the module that it tests."""

from pathlib import Path

UNIT = Path(__file__).parent
PACKAGE = UNIT.parents[1] / "bkind3d"

#: Files of tests that go through several modules of a room, or through all of them.
THROUGH = {
    "calibration/test_real_mouse.py",
    "cli/test_main.py",
    "cli/test_recording_verbs.py",
    "evaluation/test_verbs.py",
    "labelling/test_browser.py",
    "labelling/test_process.py",
    "methods/discovery/test_paper.py",
    "report/test_browser.py",
    "report/test_verbs.py",
    "survey/test_any_rig.py",
}


def test_a_file_of_tests_in_a_room_is_named_after_a_module() -> None:
    """Besides, ``test_every_...`` holds the common checks of all that a room has of a kind."""
    files = [path.relative_to(UNIT) for path in UNIT.glob("*/**/test_*.py") if not path.name.startswith("test_every_")]
    strangers = {path.as_posix() for path in files if not (PACKAGE / path.parent / path.name.removeprefix("test_")).exists()}
    assert strangers == THROUGH
