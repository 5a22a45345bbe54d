import re
from dataclasses import replace

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from bkind3d.data.points import read_keypoints
from bkind3d.report.skeleton_figure import choose_moment, plot_skeleton


def test_names_cameras_and_units_are_letters_and_lines_are_vectors(toy, tmp_path):
    toy.names, toy.n_cameras = {"k01": "nose"}, 4
    figure = plot_skeleton(toy.write().open(), "tiny", "test1")
    figure.savefig(tmp_path / "f.svg", metadata={"Date": None})
    # Letters may be drawn as shapes; every letter's text is in a comment beside them.
    text = (tmp_path / "f.svg").read_text()
    for word in ("nose", "k00", "cam4", "x (mm)"):
        assert word in text
    assert len(re.findall("<image", text)) == 4


def test_the_most_certain_complete_moment_is_shown(toy):
    toy.write()
    keypoints = read_keypoints(toy.results / "experiments" / "tiny" / "keypoints" / "test1.parquet")
    confidences = keypoints.confidences.copy()
    confidences[[7, 8]] = [[0.95], [0.99]]
    keypoints = replace(keypoints, confidences=confidences)
    keypoints.positions[8, 2] = np.nan
    assert choose_moment(keypoints) == 7


def test_a_session_without_the_subject_has_no_such_figure(toy):
    toy.located = 0.0
    assert plot_skeleton(toy.write().open(), "tiny", "test1") is None


def test_the_legend_reads_in_rows(toy):
    toy.n_keypoints = 12
    figure = plot_skeleton(toy.write().open(), "tiny", "test1")
    FigureCanvasAgg(figure).draw()
    places = {text.get_text(): text.get_window_extent() for text in figure.legends[0].get_texts()}
    order = sorted(places, key=lambda name: (-round(places[name].y0), places[name].x0))
    assert order == [f"k{index:02d}" for index in range(12)]
