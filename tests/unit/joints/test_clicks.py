import threading

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.joints.clicks import Click, changed_clicks, hold_labels, read_clicks, triangulate_clicks, triangulate_labels, write_clicks
from tests.unit.export.conftest import CAMERAS

POINT = np.array([0.5, -0.3, 1.0])


def click(camera, joint="nose", frame=3, point=POINT, shift=(0, 0)):
    x, y = project_through_lens(CAMERAS[camera], point[None])[0] + shift
    return Click(frame, camera, joint, float(x), float(y), "seen", "me", "now")


def index(*clicks):
    return {entry.key: entry for entry in clicks}


def test_what_is_written_is_read_again(tmp_path):
    clicks = index(
        Click(3, "cam1", "nose", 12.25, 7.5, "seen", "me", "now"), Click(3, "cam2", "nose", np.nan, np.nan, "hidden", "me", "now")
    )
    write_clicks(clicks, tmp_path / "s1.tsv")
    found = read_clicks(tmp_path / "s1.tsv")
    assert found.keys() == clicks.keys()
    assert found[3, "cam1", "nose"] == clicks[3, "cam1", "nose"] and np.isnan(found[3, "cam2", "nose"].x)
    write_clicks({}, tmp_path / "s1.tsv")
    assert not (tmp_path / "s1.tsv").exists() and read_clicks(tmp_path / "s1.tsv") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frame\tcamera\n", "has no column 'joint'"),
        ("frame\tcamera\tjoint\tx\ty\tstate\twho\twhen\none\tc\tj\t1\t2\tseen\t\t\n", "row 2: frame, x and y have to be numbers"),
        ("frame\tcamera\tjoint\tx\ty\tstate\twho\twhen\n1\tc\tj\t\t\tseen\t\t\n", "row 2: a joint that is 'seen' at nan, nan"),
    ],
)
def test_a_damaged_file_is_refused_by_its_row(tmp_path, text, said):
    (tmp_path / "s1.tsv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_clicks(tmp_path / "s1.tsv")


def test_two_who_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "labels" / "s1.tsv"

    def write(camera):
        for frame in range(15):
            with hold_labels(path.parent), changed_clicks(path) as clicks:
                clicks.update(index(Click(frame, camera, "nose", 1.0, 2.0)))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("cam1", "cam2")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(read_clicks(path)) == 30


def test_two_views_make_a_joint_and_one_makes_a_gap(tmp_path):
    clicks = index(
        click("cam1"), click("cam2"), click("cam1", "tail"), Click(3, "cam2", "tail", np.nan, np.nan, "hidden"), click("cam1", frame=5)
    )
    table, remarks = triangulate_labels(clicks, CAMERAS, tmp_path / "s1.tsv")
    table = table.set_index(["frame", "joint"])
    np.testing.assert_allclose(table.loc[(3, "nose"), ["x", "y", "z"]].to_numpy(float), POINT, atol=1e-6)
    assert table.loc[(3, "nose"), "reprojection_px"] < 1e-3
    assert np.isnan(table.loc[(3, "tail"), "x"]) and np.isnan(table.loc[(5, "nose"), "x"])
    assert remarks == [f"{tmp_path / 's1.tsv'}: 2 joints are clicked in one view only: nothing becomes of them"]


def test_clicks_that_contradict_each_other_are_said_where(tmp_path):
    clicks = index(click("cam1"), click("cam2", shift=(0, 60)))
    assert triangulate_clicks(clicks.values(), CAMERAS).worst in CAMERAS
    _, remarks = triangulate_labels(clicks, CAMERAS, tmp_path / "s1.tsv")
    assert len(remarks) == 1 and "frame 3: the click on nose in cam" in remarks[0]


def test_clicks_of_a_camera_that_is_gone_are_left_out_and_said(tmp_path):
    table, remarks = triangulate_labels(index(click("cam1"), click("cam2")), {"cam1": CAMERAS["cam1"]}, tmp_path / "s1.tsv")
    assert table["x"].isna().all()
    assert "camera cam2 is not in the calibration" in remarks[0]


def test_a_file_that_somebody_else_has_changed_is_read_again(tmp_path):
    path = tmp_path / "s1.tsv"
    for x in (1.0, 2.0):  # as long as each other
        write_clicks(index(Click(3, "cam1", "nose", x, 1.0)), path)
        found = read_clicks(path)
        assert found[3, "cam1", "nose"].x == x
        found.clear()  # what was given is the reader's own
        assert len(read_clicks(path)) == 1
