from pathlib import Path

import pytest

from bkind3d.config import InputError
from bkind3d.study.folders import folder_when_complete, refuse_inside


def test_a_folder_appears_with_all_of_its_files(tmp_path: Path) -> None:
    with folder_when_complete(tmp_path / "new/study") as temporary:
        (temporary / "a.txt").write_text("a")
        assert not (tmp_path / "new/study").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["study"]
    assert (tmp_path / "new/study/a.txt").read_text() == "a"


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), folder_when_complete(tmp_path / "study") as temporary:
        (temporary / "a.txt").write_text("a")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    with folder_when_complete(tmp_path / "study") as temporary:
        (temporary / "a.txt").write_text("a")
    with pytest.raises(InputError, match="never overwritten"), folder_when_complete(tmp_path / "study"):
        pass
    with pytest.raises(InputError, match="never overwritten"), folder_when_complete(tmp_path / "study/a.txt"):
        pass
    assert (tmp_path / "study/a.txt").read_text() == "a"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    with pytest.raises(InputError, match=r"study: cannot be made \(Not a directory\)"), folder_when_complete(tmp_path / "file/study"):
        pass


def test_nothing_is_written_among_recordings(tmp_path: Path) -> None:
    (tmp_path / "rec").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "rec")
    refuse_inside(tmp_path / "recordings", tmp_path / "rec")
    for place in ("rec", "rec/new/study", "link/study", "other/../rec/study"):
        with pytest.raises(InputError, match="is never written to; choose a folder elsewhere"):
            refuse_inside(tmp_path / place, tmp_path / "rec")
