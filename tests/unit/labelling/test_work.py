from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.joints.clicks import Click, read_clicks
from bkind3d.labelling.work import draw_epipolar_lines, open_work
from bkind3d.study.opening import open_study
from tests.unit.labelling.conftest import CAMERAS


def test_the_same_frames_are_chosen_again_and_more_are_added(labelled_study):
    study = open_study(labelled_study)
    tasks = open_work(study, 4).tasks
    assert len(tasks) == 4 and {task.session for task in tasks} == {"s1", "s2"}
    assert open_work(study, 3).tasks == tasks
    more = open_work(study, 8).tasks
    assert more[:4] == tasks and len(set(more)) == 8


def test_a_study_that_is_not_ready_is_refused_by_what_makes_it_so(labelled_study):
    path = labelled_study / "results/survey/s2/cam1.parquet"
    path.unlink()
    with pytest.raises(InputError, match=r"session 's2' cannot be labelled; make it first: bkind3d run .* results/survey/s2/cam1.parquet"):
        open_work(open_study(labelled_study), 4)


def test_frames_that_are_not_there_are_refused_by_their_row(labelled_study):
    (labelled_study / "config/labels").mkdir()
    (labelled_study / "config/labels/frames.txt").write_text("s1\t3\ns1\t4000\n")
    with pytest.raises(InputError, match="row 2: there is no frame '4000'"):
        open_work(open_study(labelled_study), 4)


def test_a_joint_is_renamed_in_all_labels(labelled_study):
    work = open_work(open_study(labelled_study), 4)
    work.add_joint("nose")
    session = work.tasks[0].session
    work.click(0, "cam1", "nose", "seen", (5.0, 6.0))
    work.rename_joint("nose", "snout")
    assert work.joints == ["snout"]
    assert [click.joint for click in read_clicks(work.find_file(session)).values()] == ["snout"]
    with pytest.raises(InputError, match="there is a joint 'SNOUT' already"):
        work.add_joint("SNOUT")


def test_the_true_place_lies_on_the_epipolar_line(labelled_study):
    point = np.array([12.0, -20.0, 9.0])
    pixels = {name: project_through_lens(camera, point[None])[0] for name, camera in CAMERAS.items()}
    lines = draw_epipolar_lines(Click(0, "cam1", "nose", *pixels["cam1"]), CAMERAS)
    assert set(lines) == {"cam2", "cam3", "cam4"}
    for name, line in lines.items():
        known = np.array([pixel for pixel in line if pixel])
        start, along = known[:-1], np.diff(known, axis=0)
        share = np.clip(((pixels[name] - start) * along).sum(axis=1) / np.square(along).sum(axis=1), 0, 1)
        assert np.linalg.norm(start + share[:, None] * along - pixels[name], axis=1).min() < 0.5


def test_labels_are_the_sessions_joints(labelled_study):
    work = open_work(open_study(labelled_study), 4)
    work.add_joint("nose")
    work.click(0, "cam1", "nose", "seen", (5.0, 6.0))
    labelled = work.tasks[0].session
    study = open_study(labelled_study)
    assert study.sessions[labelled].joints == f"config/labels/{labelled}.tsv"
    assert study.list_fit_sessions("one") == [labelled]
    work.click(0, "cam1", "nose", "none")
    assert open_study(labelled_study).list_fit_sessions("one") == []


def test_joints_that_two_windows_make_at_once_are_all_there(labelled_study):
    work = open_work(open_study(labelled_study), 2)
    names = [f"joint{number}" for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work.add_joint, names))
    assert sorted(work.joints) == sorted(names)
