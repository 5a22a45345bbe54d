from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sleap_io

from bkind3d.config import InputError
from bkind3d.labelling.exchange import write_labels
from bkind3d.labelling.work import open_work
from bkind3d.study.opening import open_study


@pytest.fixture
def work(labelled_study):
    work = open_work(open_study(labelled_study), 2)
    for name in ("nose", "tail"):
        work.add_joint(name)
    work.click(0, "cam1", "nose", "seen", (12.5, 30.25))
    work.click(0, "cam2", "nose", "hidden")
    work.click(0, "cam2", "tail", "seen", (100.0, 200.0))
    work.click(1, "cam1", "tail", "seen", (7.0, 8.0))
    return work


def test_deeplabcut_reads_the_labels_of_every_camera(work, tmp_path):
    first = work.tasks[0]
    written = write_labels(work.study, "deeplabcut", tmp_path / "out")
    folder = tmp_path / "out/labeled-data" / f"{first.session}_cam1"
    assert folder / "CollectedData_bkind3d.h5" in written
    table = pd.read_hdf(folder / "CollectedData_bkind3d.h5")
    text = pd.read_csv(folder / "CollectedData_bkind3d.csv", header=[0, 1, 2], index_col=[0, 1, 2])
    name = f"img{first.frame:06d}.png"
    for read in (table, text):
        assert read.index.tolist() == [("labeled-data", folder.name, name)]
        nose = read[("bkind3d", "nose")].to_numpy().ravel()
        np.testing.assert_allclose(nose, [12.5, 30.25])
        assert np.isnan(read[("bkind3d", "tail")].to_numpy()).all()
    assert (folder / name).exists()


def test_sleap_reads_the_labels_of_a_session(work, tmp_path):
    first = work.tasks[0]
    write_labels(work.study, "sleap", tmp_path / "out")
    labels = sleap_io.load_slp(str(tmp_path / "out" / f"{first.session}.slp"), open_videos=False)
    assert [node.name for node in labels.skeletons[0].nodes] == ["nose", "tail"]
    (frame,) = [entry for entry in labels if str(entry.video.filename).endswith("cam1.mp4")]
    assert frame.frame_idx == first.frame
    np.testing.assert_allclose(frame.instances[0].numpy()[0], [12.5, 30.25])
    # Of a part of the video's picture: SLEAP shows the whole one.
    row = replace(work.study.cameras[first.session]["cam1"], crop="100,50,200,100")
    study = replace(work.study, cameras={**work.study.cameras, first.session: {**work.study.cameras[first.session], "cam1": row}})
    write_labels(study, "sleap", tmp_path / "part")
    labels = sleap_io.load_slp(str(tmp_path / "part" / f"{first.session}.slp"), open_videos=False)
    (frame,) = [entry for entry in labels if str(entry.video.filename).endswith("cam1.mp4")]
    np.testing.assert_allclose(frame.instances[0].numpy()[0], [112.5, 80.25])


def test_without_labels_a_line_says_what_to_do(labelled_study, tmp_path):
    with pytest.raises(InputError, match="label some frames first: bkind3d label"):
        write_labels(open_study(labelled_study), "sleap", tmp_path)
