import pytest

from bkind3d.config import InputError
from bkind3d.data.parquet import read_table


def test_only_the_wanted_frames_are_read(toy):
    files = toy.write().open()
    table = read_table(files.frames_file("tiny", "test1", "cam1"), "frames", columns=["frame", "image"], frames=[9, 2, 50])
    assert list(table.columns) == ["frame", "image"]
    assert table["frame"].tolist() == [2, 9]


def test_sessions_are_shown_unseen_ones_first(toy):
    toy.sessions = {"a": "train", "b": "predict", "c": "test", "d": "test"}
    files = toy.write().open()
    assert files.shown_sessions(3) == ["c", "d", "b"]
    assert files.shown_sessions(9) == ["c", "d", "b", "a"]


def test_a_study_without_tables_of_results_can_be_opened(toy):
    toy.write()
    for path in (toy.results / "tables").iterdir():
        path.unlink()
    files = toy.open()
    assert files.pose.empty
    assert files.actions.empty


def test_a_rig_that_is_not_in_its_sheet_is_refused(toy):
    toy.write()
    sheet = toy.folder / "config" / "rigs.tsv"
    sheet.write_text(sheet.read_text().replace("arena", "hall"))
    with pytest.raises(InputError, match=r"row 2: rig 'arena' is not in"):
        toy.open()


def test_given_names_are_shown_and_change_no_skeleton(toy):
    plain = toy.write().open()
    toy.names = {"k01": "nose", "k02": "neck"}
    named = toy.write().open()
    assert named.keypoints("tiny", "test1")["keypoint"].drop_duplicates().tolist() == ["k00", "nose", "neck", "k03", "k04"]
    assert named.skeleton("tiny") == plain.skeleton("tiny") != []
    assert named.keypoints("tiny", "test1")["x"].equals(plain.keypoints("tiny", "test1")["x"])


def test_names_of_another_model_are_not_shown(toy):
    toy.names, toy.model = {"k01": "nose"}, "another"
    assert "nose" not in set(toy.write().open().keypoints("tiny", "test1")["keypoint"])
