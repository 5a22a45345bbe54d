"""What is asked of every importer, tried on a small archive: run over all rows of the table by the tests, and by whoever writes an importer."""

from pathlib import Path

from bkind3d.archives.importers import import_archive
from bkind3d.archives.studies import SIMULATED_MARK
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_table
from bkind3d.study.opening import load_study, read_yaml
from bkind3d.study.study import Study


def check_importer(name: str, archive: Path, empty: Path) -> None:
    """Import `archive` into the folder `empty` in all ways that may go right or wrong.

    Parameters
    ----------
    name : a key of :data:`~bkind3d.archives.importers.IMPORTERS`.
    archive : a complete one, with recordings of every split; a file is put into it and taken away again.
    empty : an empty folder.

    Raises
    ------
    AssertionError : says what is not as promised.
    """
    before = _read_all(archive)
    import_archive(name, archive, empty / "study")
    assert _read_all(archive) == before, "the archive was written to"
    settings = read_yaml(empty / "study/config/config.yaml")
    check_study(load_study({**settings, "experiments": {"any": {"frames": "subject"}}}, empty / "study"))
    import_archive(name, archive, empty / "again")
    assert _read_all(empty / "study") == _read_all(empty / "again"), "a second import gives other files"
    (archive / SIMULATED_MARK).touch()
    import_archive(name, archive, empty / "simulated")
    (archive / SIMULATED_MARK).unlink()
    assert read_yaml(empty / "simulated/config/config.yaml")["dataset"] == f"simulated_{settings['dataset']}", (
        "nothing says that data is simulated"
    )
    (empty / "nothing").mkdir()
    known = _read_all(empty)
    other = empty / "other"
    for folder, output in ((archive, archive / "study"), (archive, empty / "study"), (empty / "nothing", other), (empty / "no", other)):
        try:
            import_archive(name, folder, output)
        except InputError as error:
            assert len(str(error).splitlines()) == 1, f"more than one line: {error}"
        else:
            raise AssertionError(f"an import from {folder} into {output} is not refused")
    assert (_read_all(archive), _read_all(empty)) == (before, known), "a refused import leaves something behind"


def check_study(study: Study) -> None:
    """There are sessions of both splits, cameras have a calibration, and tables can be read; that files are there, `load_study` asks."""
    assert {row.split for row in study.sessions.values()} >= {"train", "test"}, "no session to learn from, or none to judge on"
    for name, row in study.sessions.items():
        known, _ = read_calibration(study.folder / study.find_path(study.rigs[row.rig].calibration))
        assert set(study.cameras[name]) <= set(known), f"{name}: cameras without calibration"
        maps = [(camera.frame_map, "frame_map") for camera in study.cameras[name].values()]
        for path, kind in ((row.joints, "joints"), (row.behaviours, "behaviours"), *maps):
            if path:
                frames = read_table(study.folder / study.find_path(path), kind)["frame"]
                assert len(frames) and frames.is_monotonic_increasing, f"{path}: no frames, or not in their order"


def _read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
