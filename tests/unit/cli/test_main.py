"""The command line as a whole: help, versions, completion."""

import subprocess
import sys
from pathlib import Path

import pytest

from bkind3d.cli import VERBS, main
from bkind3d.cli.verbs import Verb


def test_without_a_verb_all_verbs_are_shown(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_teaches(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_the_completion_of_bash_is_a_script_that_knows_the_verbs(capsys):
    with pytest.raises(SystemExit):
        main(["--print-completion", "bash"])
    script = capsys.readouterr().out
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    assert "add-session" in script


@pytest.mark.parametrize(
    ("touch", "line"),
    [
        (lambda: Path("/proc/self/mem").read_bytes(), "Input/output error"),
        (lambda: Path("/dev/full").write_text("x"), "No space left on device"),
    ],
)
def test_what_a_disk_does_is_one_line(monkeypatch, capsys, touch, line):
    monkeypatch.setitem(VERBS, "touch", Verb("touch", "", (), lambda _: touch()))
    assert main(["touch"]) == 2
    assert capsys.readouterr().err == f"bkind3d touch: error: {line}; mend the disk, the rights or the limits, and run again\n"


def test_an_error_of_our_own_is_not_taken_for_the_disk_s(monkeypatch):
    monkeypatch.setitem(VERBS, "touch", Verb("touch", "", (), lambda _: Path("/nowhere").read_bytes()))
    with pytest.raises(FileNotFoundError):
        main(["touch"])


#: Declares a verb that works with another process, and runs it.
TOGETHER = """
from concurrent.futures import ProcessPoolExecutor
from bkind3d.cli import VERBS, main
from bkind3d.cli.verbs import Verb
VERBS["together"] = Verb("together", "", (), lambda _: ProcessPoolExecutor(1).submit(abs, 1).result())
raise SystemExit(main(["together"]))
"""


def test_a_machine_without_shared_memory_is_told():
    hide = "mount --make-rprivate / && mount --bind /proc/sys/kernel /dev/shm"
    command = ["unshare", "--mount", "sh", "-c", f'{hide} && exec "$@"', "sh"]
    if subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("mounts cannot be changed here")
    done = subprocess.run([*command, sys.executable, "-c", TOGETHER], capture_output=True, text=True, check=False)
    line = "bkind3d together: error: No such file or directory; /dev/shm, which processes need that work together, cannot be written: mount it\n"
    assert (done.returncode, done.stderr) == (2, line)
