import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.joint_files import make_joints
from bkind3d.data.parquet import write_table
from bkind3d.data.points import read_points
from bkind3d.evaluation.recordings import common_units, read_behaviours, read_recordings


def test_behaviours_may_leave_frames_out(make, tmp_path):
    path = make.behaviours(tmp_path / "b.parquet", np.array(["rest", None, "walk"], dtype=object))
    np.testing.assert_array_equal(read_behaviours(path, np.array([2, 1, 0, 9])), ["walk", "", "rest", ""])
    table = pd.read_parquet(path)
    pd.concat([table, table]).to_parquet(path)
    with pytest.raises(InputError, match="frame 0 is there twice"):
        read_behaviours(path, np.array([0]))


def test_behaviours_of_other_frames_are_refused_with_both_ranges(make, tmp_path):
    path = make.behaviours(tmp_path / "b.parquet", np.array(["rest", "walk", None], dtype=object))
    said = r"b.parquet: has behaviours in frames 0 to 1, but the session's frames are 100 to 190 in steps of 10; number them"
    with pytest.raises(InputError, match=said):
        read_behaviours(path, np.arange(100, 200, 10))
    none = make.behaviours(tmp_path / "n.parquet", np.array([None, None], dtype=object))
    np.testing.assert_array_equal(read_behaviours(none, np.arange(3)), ["", "", ""])


def test_a_study_is_read_in_the_order_of_the_sheet(study):
    files = study()
    paths = {kind: {s: files[f"{kind}_{s}"] for s in ("two", "one")} for kind in ("keypoints", "untrained", "joints", "behaviours")}
    points = {"found": paths["keypoints"], "untrained": paths["untrained"]}
    one, two = read_recordings(files["sheet"], points, paths["joints"], paths["behaviours"])
    assert (one.session, one.subject, one.split, one.columns) == ("one", "s1", "train", {"dose": "low"})
    assert (two.session, two.source, two.extent) == ("two", "two.parquet", (0, float("inf")))
    assert one.joints is not None and one.behaviours is not None and one.judged.metadata["n_views"] == 4
    assert list(one.points) == ["found", "untrained"]
    assert common_units([one, two]) == "mm"


def test_sessions_must_be_known(study):
    files = study()
    with pytest.raises(InputError, match="--keypoints: session 'three' is not in .*sessions.tsv"):
        read_recordings(files["sheet"], {"found": {"three": files["keypoints_one"]}})
    with pytest.raises(InputError, match="--joints: session 'two' is not in --keypoints"):
        read_recordings(files["sheet"], {"found": {"one": files["keypoints_one"]}}, joints={"two": files["joints_two"]})


def test_joints_of_all_sessions_have_the_same_names(study, make):
    files = study()
    keypoints = {s: files[f"keypoints_{s}"] for s in ("one", "two")}
    joints = {s: files[f"joints_{s}"] for s in ("one", "two")}
    shuffled = ("rump", "nose", "paw_left", "neck", "back", "paw_right")
    order = [make.joint_names.index(name) for name in shuffled]
    positions = read_points(joints["two"], "joints").positions
    make.joints(joints["two"], positions[:, order], shuffled)
    two = read_recordings(files["sheet"], {"found": keypoints}, joints=joints)[1]
    assert two.joints is not None and two.joints.names == make.joint_names
    np.testing.assert_array_equal(two.joints.positions, positions)
    make.joints(joints["two"], positions, (*make.joint_names[:5], "tail"))
    with pytest.raises(InputError, match=r"j_two.parquet: 'paw_right' is not in both this file and .*j_one.parquet"):
        read_recordings(files["sheet"], {"found": keypoints}, joints=joints)


def test_units_must_agree(study, make):
    files = study()
    make.joints(files["joints_two"], np.zeros((5, 6, 3)), units="m")
    recordings = read_recordings(
        files["sheet"],
        {"found": {s: files[f"keypoints_{s}"] for s in ("one", "two")}},
        joints={s: files[f"joints_{s}"] for s in ("one", "two")},
    )
    with pytest.raises(InputError, match="units differ: mm in the keypoints of 'one', m in the joints of 'two'"):
        common_units(recordings)


def test_what_cannot_be_used_costs_its_own_session(tmp_path):
    frames, names = np.arange(4), ["a", "b", "c"]
    sheet = tmp_path / "sessions.tsv"
    rows = "".join(f"{name}\tm{name}\trig\ttrain\n" for name in ("good", "lost", "odd", "mute"))
    sheet.write_text("session\tsubject\trig\tsplit\n" + rows)
    keypoints, joints = {}, {}
    for session in ("good", "lost", "odd", "mute"):
        index = {"frame": np.repeat(frames, 3), "time_s": np.repeat(frames / 10, 3), "keypoint": names * 4}
        table = pd.DataFrame(index).assign(x=0.0, y=0.0, z=0.0, confidence=1.0, spread=1.0, reprojection_px=0.0)
        keypoints[session], joints[session] = tmp_path / f"{session}.parquet", tmp_path / f"{session}_joints.parquet"
        write_table(table, "keypoints", keypoints[session], {"failed": "camera cam2: no video"} if session == "lost" else {})
        called = ["j0", "j1", "other" if session == "odd" else "j2"]
        write_table(make_joints(frames, called, np.zeros((4, 3, 3))), "joints", joints[session])
    (tmp_path / "mute_joints.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="camera cam2: no video"):
        read_recordings(sheet, {"found": keypoints}, joints)
    left_out: dict[str, str] = {}
    read = read_recordings(sheet, {"found": keypoints}, joints, left_out=left_out)
    assert [(one.session, one.joints is not None) for one in read] == [("good", True), ("odd", False), ("mute", False)]
    assert left_out["lost"] == "its keypoints cannot be used: camera cam2: no video"
    assert "'j2' is not in both" in left_out["odd"] and "cannot be read as Parquet" in left_out["mute"]
