import numpy as np

from bkind3d.data.parquet import read_table, write_table
from bkind3d.report.contents import find_skeleton, list_given_names, read_joints, read_named_keypoints, read_results


def test_sessions_are_shown_unseen_ones_first(toy):
    toy.sessions = {"a": "train", "b": "predict", "c": "test", "d": "test"}
    study = toy.write().open()
    assert study.list_shown(3) == ["c", "d", "b"]
    assert study.list_shown(9) == ["c", "d", "b", "a"]


def test_a_table_of_results_that_is_not_there_is_empty(toy):
    toy.write()
    assert len(read_results(toy.open().results.pose_table()))
    for path in (toy.results / "tables").iterdir():
        path.unlink()
    assert read_results(toy.open().results.pose_table()).empty
    assert read_results(toy.open().results.actions_table()).empty


def test_given_names_are_shown_and_change_no_skeleton(toy):
    plain = toy.write().open()
    toy.names = {"k01": "nose", "k02": "neck"}
    named = toy.write().open()
    found, before = (read_named_keypoints(study, "tiny", "test1") for study in (named, plain))
    assert found.names == ["k00", "nose", "neck", "k03", "k04"]
    assert list_given_names(named, "tiny", "test1") == dict(zip(before.names, found.names, strict=True))
    assert find_skeleton(named, "tiny") == find_skeleton(plain, "tiny") != []
    assert (found.positions == before.positions).all()


def test_names_of_another_model_are_not_shown(toy):
    toy.names, toy.model = {"k01": "nose"}, "another"
    study = toy.write().open()
    assert "nose" not in read_named_keypoints(study, "tiny", "test1").names
    assert "nose" not in list_given_names(study, "tiny", "test1").values()


def test_joints_go_to_their_frame_and_name(toy):
    study = toy.write().open()
    path = study.results.joints("test1")
    table = read_table(path, "joints")
    write_table(table[(table["frame"] != 3) & ~((table["frame"] == 5) & (table["joint"] == "j1"))].iloc[::-1], "joints", path)
    points = read_joints(study, "test1", [5, 3, 7])
    names = list(table["joint"][::-1].drop_duplicates())
    np.testing.assert_allclose(points[2], toy.positions()[7][[int(name[1:]) for name in names]], rtol=1e-6)
    assert np.isnan(points[1]).all() and np.isnan(points[0]).any(axis=1).tolist() == [name == "j1" for name in names]
    toy.joints = False
    assert read_joints(toy.write().open(), "test1", [5]) is None
