import os
import resource
import signal

import pytest

from bkind3d.cli import main
from bkind3d.config import EXPORT_FORMATS, InputError
from bkind3d.export.formats import export_sessions
from bkind3d.study.opening import load_study


def list_files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_verb_writes_every_format_to_its_place(study_folder):
    formats = ["tidy", "anipose", "keypoint-moseq"]
    assert main(["export", *formats, "--study", str(study_folder), "--sessions", "s1"]) == 0
    expected = ["one/anipose/s1.csv", "one/keypoint-moseq/s1/s1.csv", "one/keypoint-moseq/s1/setup.yaml", "one/tidy/s1.csv"]
    assert list_files(study_folder / "results" / "exports") == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sessions", "s1", "s2"], "session 's2' has no keypoints of experiment 'one' yet; make them first: bkind3d run"),
        ([], "session 's2' has no keypoints of experiment 'one' yet"),
        (["--sessions", "S1"], "--sessions: the study has no 'S1'; did you mean 's1'?"),
        (["--experiments", "demo"], "--experiments: the study has no 'demo'; did you mean 'one'?"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line_before_anything_is_written(study_folder, capsys, arguments, message):
    assert main(["export", "tidy", "--study", str(study_folder), *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert message.split("; did")[0] in said[0]
    assert not (study_folder / "results" / "exports").exists()


def test_names_that_collide_are_refused_in_one_line(study_folder, capsys):
    path = study_folder / "config" / "config.yaml"
    path.write_text(path.read_text().replace("tail_base", "nose"))
    assert main(["export", "tidy", "--study", str(study_folder), "--sessions", "s1"]) == 2
    assert "calls both k00 and k02 'nose'; give every keypoint its own name" in capsys.readouterr().err


def test_a_library_that_is_not_installed_is_named(study_folder, monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "pynwb", None)
    monkeypatch.delitem(sys.modules, "bkind3d.export.nwb", raising=False)
    with pytest.raises(InputError, match=r"format 'nwb' needs the package pynwb, which is not installed; pip install 'bkind3d\[export\]'"):
        export_sessions(load_study(folder=study_folder), ["one"], ["nwb"], ["s1"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_that_breaks_off_leaves_nothing_and_keeps_the_last_one(study_folder, tmp_path, monkeypatch):
    study = load_study(folder=study_folder)
    export_sessions(study, ["one"], ["tidy"], ["s1"], tmp_path / "out")
    before = (tmp_path / "out" / "one" / "tidy" / "s1.csv").read_bytes()

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("pyarrow.csv.write_csv", fail)
    with pytest.raises(InputError, match=r"s1\.csv: cannot be written \(No space"):
        export_sessions(study, ["one"], ["tidy"], ["s1"], tmp_path / "out")
    assert list_files(tmp_path / "out") == ["one/tidy/s1.csv"]
    assert (tmp_path / "out" / "one" / "tidy" / "s1.csv").read_bytes() == before


@pytest.mark.parametrize("form", EXPORT_FORMATS)
@pytest.mark.parametrize("size", [0, 1000, 5000])
def test_where_files_cannot_grow_every_format_is_refused_in_one_line(study_folder, tmp_path, form, size):
    """Under a quota, say. Libraries of file formats hang, end the process, or say nothing where they write themselves: so in a child."""
    pytest.importorskip(f"bkind3d.export.{form.replace('-', '_')}")
    study = load_study(folder=study_folder)
    reading, writing = os.pipe()
    if not (child := os.fork()):
        signal.alarm(60)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            export_sessions(study, ["one"], [form], ["s1"], tmp_path / "out")
            os.write(writing, b"done")
        except InputError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    said, (_, status) = os.read(reading, 65536).decode(), os.waitpid(child, 0)
    os.close(reading)
    assert status == 0
    assert "cannot be written (File too large)" in said or (said == "done" and size)
    assert all(file.stat().st_size <= size for file in (tmp_path / "out").rglob("*") if file.is_file())
