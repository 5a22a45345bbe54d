"""Human3.6M in both of its layouts, complete, incomplete and damaged."""

import re
from pathlib import Path

import numpy as np
import pytest

from bkind3d.archives.human36m import JOINTS
from bkind3d.archives.importers import import_archive
from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.cli import main
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.study.opening import load_study, read_yaml
from bkind3d.study.sheets import read_cameras, read_sessions
from tests.unit.archives.human36m_files import make_poses, write_archive, write_poses
from tests.unit.calibration.formats.test_human36m import NAMES


def test_sides_are_the_subjects_own() -> None:
    left, right = {*range(6, 11), *range(16, 24)}, {*range(1, 6), *range(24, 32)}
    assert {number for number, name in JOINTS.items() if name.startswith("L")} <= left
    assert {number for number, name in JOINTS.items() if name.startswith("R")} <= right
    assert len(JOINTS) == len({*JOINTS.values()}) == 17


FETCHED = {"poses": "Poses_D3_Positions", "root": "extracted"}


def list_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", [{}, FETCHED])
def test_every_take_becomes_a_session(tmp_path: Path, layout: dict) -> None:
    archive = write_archive(tmp_path / "archive", **layout)
    before = list_files(archive)
    assert main(["import-h36m", str(archive), "-o", str(tmp_path / "study")]) == 0
    assert list_files(archive) == before
    sessions = read_sessions(tmp_path / "study/config/sessions.tsv")
    expected = [f"{s}_{a}-{t}" for s in ("S1", "S9") for a in ("Directions", "Greeting", "TakingPhoto") for t in (1, 2)]
    assert list(sessions) == expected
    assert {row.subject: (row.split, row.rig) for row in sessions.values()} == {"S1": ("train", "S1"), "S9": ("test", "S9")}
    assert sessions["S9_Greeting-2"].more == {"action": "Greeting", "take": "2", "flag": "damaged_joints"}
    assert sessions["S9_Greeting-1"].more["flag"] == ""
    cameras = read_cameras(tmp_path / "study/config/cameras.tsv")
    assert [*cameras["S9_TakingPhoto-1"]] == NAMES
    video = archive / layout.get("root", "") / "S9/Videos/Photo 1.55011271.mp4"
    assert cameras["S9_TakingPhoto-1"]["55011271"].video == str(video)


def test_poses_are_the_17_joints_of_the_file_and_know_their_times(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    import_archive("h36m", archive, tmp_path / "study")
    path = tmp_path / "study/joints/S9_TakingPhoto-1.parquet"
    table = read_table(path, "joints")
    assert (read_metadata(path)["units"], read_metadata(path)["rate"]) == ("mm", 50)
    assert table["joint"].tolist() == list(JOINTS.values()) * 5
    positions = table[["x", "y", "z"]].to_numpy().reshape(5, 17, 3)
    kept = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    assert np.array_equal(positions, make_poses("S9", "TakingPhoto", 1)[:, kept])
    assert table.groupby("frame").time_s.first().tolist() == [0, 0.02, 0.04, 0.06, 0.08]
    behaviours = read_table(tmp_path / "study/behaviours/S9_TakingPhoto-1.parquet", "behaviours")
    assert behaviours[["frame", "behaviour"]].to_numpy().tolist() == [[frame, "TakingPhoto"] for frame in range(5)]


def test_every_subject_has_its_own_cameras(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    import_archive("h36m", archive, tmp_path / "study")
    for subject in ("S1", "S9"):
        cameras, metadata = read_calibration(tmp_path / f"study/calibrations/{subject}.toml")
        expected, _ = read_given_cameras(archive / "metadata.xml", subject=subject)
        assert metadata["units"] == "mm"
        for name, camera in cameras.items():
            assert np.allclose(camera.projection, expected[name].projection, rtol=1e-9)
            assert np.array_equal(camera.distortion, expected[name].distortion)


def test_with_an_experiment_it_is_a_study(tmp_path: Path) -> None:
    import_archive("h36m", write_archive(tmp_path / "archive"), tmp_path / "study")
    settings = read_yaml(tmp_path / "study/config/config.yaml")
    assert settings == {"recordings": ".", "dataset": "human36m"}
    study = load_study({**settings, "experiments": {"tiny": {"frames": "subject"}}}, tmp_path / "study")
    assert len(study.list_sessions("test", joints=True, behaviours=True)) == 6


def test_a_rendered_archive_says_so_in_the_name_of_the_data(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (archive / "SIMULATED.txt").write_text("rendered")
    import_archive("h36m", archive, tmp_path / "study")
    assert read_yaml(tmp_path / "study/config/config.yaml")["dataset"] == "simulated_human36m"


def test_what_lacks_or_is_known_to_be_damaged_is_flagged_in_the_sheet(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ("S1", "S11"))
    (archive / "S1/Videos/Greeting 1.58860488.mp4").unlink()
    (archive / "S1/MyPoseFeatures/D3_Positions/Greeting.cdf").unlink()
    for camera in NAMES[1:]:
        (archive / f"S1/Videos/Directions.{camera}.mp4").unlink()
    import_archive("h36m", archive, tmp_path / "study")
    sessions = read_sessions(tmp_path / "study/config/sessions.tsv")
    cameras = read_cameras(tmp_path / "study/config/cameras.tsv")
    flags = {name: row.more["flag"] for name, row in sessions.items() if row.more["flag"]}
    assert flags == {
        "S1_Greeting-1": "missing_video_58860488",
        "S1_Greeting-2": "missing_joints",
        "S11_Directions-2": "damaged_video_54138969",
    }
    assert [*cameras["S1_Greeting-1"]] == ["54138969", "55011271", "60457274"]
    assert [*cameras["S11_Directions-2"]] == NAMES[1:]
    assert sessions["S1_Greeting-2"].joints == ""
    # One camera is no session, but its row is there for whoever looks.
    assert "S1_Directions-2" not in {*sessions, *cameras}
    lines = (tmp_path / "study/config/sessions.tsv").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# S1_Directions-2\tS1\tS1\t\t\t\tDirections\t2\tmissing_video_55011271 missing_video_58860488 missing_video_60457274"
    ]


def remove(*names: str):
    return lambda folder: [path.unlink() for name in names for path in folder.glob(name)]


def replace_text(name: str, old: str, new: str):
    return lambda folder: (folder / name).write_text((folder / name).read_text().replace(old, new))


def truncate(folder: Path) -> None:
    path = folder / "S9/MyPoseFeatures/D3_Positions/Greeting 1.cdf"
    path.write_bytes(path.read_bytes()[:700])


def write_other_poses(**options):
    poses = options.pop("poses", np.zeros((4, 32, 3)))
    return lambda folder: write_poses(folder / "S1/MyPoseFeatures/D3_Positions/Greeting 1.cdf", poses, **options)


def empty(folder: Path) -> None:
    (folder / "S1").rename(folder / "one")
    (folder / "S9").rename(folder / "nine")


BAD = {
    "no metadata": (remove("metadata.xml"), r"metadata.xml: is not there; .*copy it to .*archive, or name it with --metadata"),
    "metadata without takes": (replace_text("metadata.xml", "mapping", "map"), "has no element 'mapping'"),
    "metadata without a subject": (replace_text("metadata.xml", "<td>S11</td>", "<td>S12</td>"), "subject 'S11' is not in the first row"),
    "metadata without cameras": (replace_text("metadata.xml", "<id>60457274</id>", ""), "has 3 cameras, expected 4"),
    "no video of a camera": (remove("S9/Videos/*.58860488.mp4"), "S9/Videos: has no video of camera 58860488; extract Videos_S9.tgz"),
    "no poses": (
        lambda folder: (folder / "S1/MyPoseFeatures").rename(folder / "x"),
        "S1: has neither .* extract Poses_D3_Positions_S1.tgz",
    ),
    "truncated": (truncate, r"S9/.*/Greeting 1.cdf: cannot be read as CDF \(.*truncated or damaged: copy it again"),
    "not a CDF": (lambda folder: (folder / "S1/MyPoseFeatures/D3_Positions/Greeting 1.cdf").write_text("no"), "cannot be read as CDF"),
    "2D poses": (write_other_poses(poses=np.zeros((4, 32, 2))), r"shape \(1, 4, 64\), expected \(1, frames, 96\)"),
    "another variable": (write_other_poses(variable="Angles"), "cannot be read as CDF .*'Pose' not found"),
    "no numbers": (write_other_poses(poses=np.full((4, 32, 3), np.nan)), "positions that are no number"),
    "no subjects": (empty, "has none of the subjects S1, S5"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_archives_are_refused_in_one_line_and_nothing_is_written(tmp_path: Path, capsys, name: str) -> None:
    spoil, message = BAD[name]
    archive = write_archive(tmp_path / "archive")
    spoil(archive)
    (tmp_path / "out").mkdir()
    assert main(["import-h36m", str(archive), "-o", str(tmp_path / "out/study")]) == 2
    refusal = capsys.readouterr().err
    assert refusal.count("\n") == 1
    assert re.search(message, refusal)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_empty_folder_and_a_wrong_path_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="metadata.xml: is not there"):
        import_archive("h36m", tmp_path / "empty", tmp_path / "study")
    with pytest.raises(InputError, match="is no folder"):
        import_archive("h36m", tmp_path / "nowhere", tmp_path / "study")
    with pytest.raises(InputError, match="is never written to"):
        import_archive("h36m", tmp_path / "empty", tmp_path / "empty" / "study")


def test_a_study_is_never_overwritten(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (tmp_path / "study").mkdir()
    (tmp_path / "study/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already and is never overwritten"):
        import_archive("h36m", archive, tmp_path / "study")
    assert list_files(tmp_path / "study") == {tmp_path / "study/notes.txt": b"mine"}
