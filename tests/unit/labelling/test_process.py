"""``bkind3d label`` as it is run, in a process of its own: killed, started again, and without room on the disk."""

import re
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from bkind3d.joints.clicks import read_clicks
from tests.unit.labelling.test_server import ask


@contextmanager
def label(study):
    """The process and the page's address, until it is killed."""
    command = [sys.executable, "-m", "bkind3d", "label", str(study), "--no-browser", "--frames", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process, next(match[0] for line in process.stdout if (match := re.search(r"http://\S+", line)))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def leave_room(process, most_bytes):
    """Let a process write no file of more bytes."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


def click(address, joint, place=(1.0, 2.0), camera="cam1"):
    """Click, and give the answer's status and text."""
    status, answer = ask(address + "click", {"index": 0, "camera": camera, "joint": joint, "state": "seen", "place": place})
    return status, answer.decode()


def read_all(study):
    return {key for path in (study / "config/labels").glob("s?.tsv") for key in read_clicks(path)}


@pytest.fixture
def session(labelled_study):
    """The session of the first frame, which the study has chosen already."""
    (labelled_study / "config/labels").mkdir()
    (labelled_study / "config/labels/frames.txt").write_text("s1\t3\ns2\t8\n")
    return labelled_study


def test_what_was_answered_is_there_after_a_kill(session):
    with label(session) as (_, address):
        assert ask(address + "joints", {"name": "nose"})[0] == 200
        assert [click(address, "nose", camera=camera)[0] for camera in ("cam1", "cam2")] == [200, 200]
    # What a process that is killed while it writes may leave behind.
    (session / "config/labels/.lock").write_text("process 999999999 on here")
    (session / "config/labels/.s1.elsewhere.1.tsv").write_text("half of a fi")
    with label(session) as (_, address):
        assert read_all(session) == {(3, "cam1", "nose"), (3, "cam2", "nose")}
        assert click(address, "nose", camera="cam3")[0] == 200
    assert len(read_all(session)) == 3


def test_without_room_on_the_disk_nothing_is_lost_and_a_line_says_so(session):
    with label(session) as (process, address):
        assert ask(address + "joints", {"name": "nose"})[0] == 200
        assert click(address, "nose")[0] == 200
        before = read_all(session)
        leave_room(process, (session / "config/labels/s1.tsv").stat().st_size + 10)
        status, said = click(address, "nose", camera="cam2")
        assert status == 400 and "s1.tsv: cannot be written (File too large); make room" in said
        assert read_all(session) == before
        assert ask(address + "task/0")[0] == 200
        leave_room(process, resource.RLIM_INFINITY)
        assert click(address, "nose", camera="cam2")[0] == 200
        assert len(read_all(session)) == 2
    assert not list((session / "config/labels").glob(".*.tsv"))
