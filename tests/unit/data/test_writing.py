import os
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from bkind3d.config import InputError
from bkind3d.data.locks import MACHINE
from bkind3d.data.writing import SILENCE, folder_when_complete, refuse_inside, replaced_when_complete

WRITE = """
import os, sys
from pathlib import Path
from bkind3d.data.writing import {way}
with {way}(Path(sys.argv[1])) as temporary:
    (temporary / "a" if temporary.is_dir() else temporary).write_text("half")
    print(1, flush=True)
    input()
"""


@contextmanager
def small_files():
    """No file may have more than a thousand bytes, as under a quota; within a test alone, because pytest may write to a file, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("way", [replaced_when_complete, folder_when_complete])
def test_what_a_killed_process_left_goes_and_what_a_live_one_writes_stays(tmp_path: Path, way) -> None:
    command = [sys.executable, "-c", WRITE.format(way=way.__name__), str(tmp_path / "out.x")]
    killed, alive = (subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2))
    assert [killed.stdout.readline(), alive.stdout.readline()] == ["1\n", "1\n"]
    killed.kill()
    killed.wait()
    elsewhere = [tmp_path / f".out.another-node.{number}.x" for number in (1, 2)]
    strangers = [
        tmp_path / name for name in (f".out.{MACHINE}.1", f".other.{MACHINE}.{killed.pid}.x", ".out.x", f".outer.{MACHINE}.{killed.pid}.x")
    ]
    for path in (*elsewhere, *strangers):
        path.write_text("half")
    long_ago = time.time() - SILENCE - 60
    os.utime(elsewhere[0], (long_ago, long_ago))
    assert (tmp_path / f".out.{MACHINE}.{killed.pid}.x").exists()
    with way(tmp_path / "out.x") as temporary:
        (temporary / "a" if way is folder_when_complete else temporary).write_text("whole")
    there = {f".out.{MACHINE}.{alive.pid}.x", elsewhere[1].name, "out.x", *(path.name for path in strangers)}
    assert {path.name for path in tmp_path.iterdir()} == there
    alive.kill()
    alive.communicate()


def test_a_folder_of_another_machine_stays_while_a_file_in_it_is_young(tmp_path: Path) -> None:
    other, long_ago = tmp_path / ".study.another-node.1", time.time() - SILENCE - 60
    (other / "config").mkdir(parents=True)
    (other / "config/a").write_text("a")
    for path in (other / "config", other):
        os.utime(path, (long_ago, long_ago))
    with folder_when_complete(tmp_path / "study"):
        pass
    assert other.exists()


def test_clocks_of_machines_do_not_count(tmp_path: Path, monkeypatch) -> None:
    """A machine whose clock is a year ahead removes nothing that another one has just written."""
    (tmp_path / ".out.another-node.1.x").write_text("half")
    monkeypatch.setattr("time.time", lambda: 4e9)
    with replaced_when_complete(tmp_path / "out.x") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / ".out.another-node.1.x").exists()


def test_a_file_too_large_is_one_line_and_the_one_before_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    with (
        small_files(),
        pytest.raises(InputError, match=r"a.txt: cannot be written \(File too large\)"),
        replaced_when_complete(tmp_path / "a.txt") as temporary,
    ):
        temporary.write_text("x" * 2000)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "before"}
    with (
        small_files(),
        pytest.raises(InputError, match=r"study: cannot be written \(File too large\)"),
        folder_when_complete(tmp_path / "study") as folder,
    ):
        (folder / "b.txt").write_text("x" * 2000)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_errors_of_libraries_that_repeat_the_system_s_words_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No space left on device"), replaced_when_complete(tmp_path / "a.h5"):
        raise RuntimeError("Unable to flush: errno = 28, error message = 'No space left on device'")
    with pytest.raises(RuntimeError, match="shape"), replaced_when_complete(tmp_path / "a.h5"):
        raise RuntimeError("wrong shape")
    with pytest.raises(FileNotFoundError), replaced_when_complete(tmp_path / "a.h5"):
        (tmp_path / "nowhere").read_text()
    assert not list(tmp_path.iterdir())


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
    with pytest.raises(InputError, match=r"study: cannot be written \(File exists\)"), folder_when_complete(tmp_path / "file/study"):
        pass


def test_nothing_is_written_among_recordings(tmp_path: Path) -> None:
    (tmp_path / "rec").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "rec")
    refuse_inside(tmp_path / "recordings", tmp_path / "rec")
    for place in ("rec", "rec/new/study", "link/study", "other/../rec/study"):
        with pytest.raises(InputError, match="is never written to; choose a folder elsewhere"):
            refuse_inside(tmp_path / place, tmp_path / "rec")
