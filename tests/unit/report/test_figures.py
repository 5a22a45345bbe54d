import numpy as np
import pytest
from PIL import Image

from bkind3d.report.figures import write_figures

NAMES = {f"tiny.{name}.{suffix}" for name in ("pose", "labels", "learning", "confusion", "skeleton") for suffix in ("svg", "png")}
NAMES |= {"tiny.overlays.png", "tiny.animation.gif"}


def write(toy, name):
    folder = toy.folder / name
    write_figures(toy.open(), "tiny", folder)
    return {path.name: path for path in folder.iterdir()}


def test_figures_show_results_and_are_the_same_every_time(toy):
    toy.write()
    first, second = write(toy, "one"), write(toy, "two")
    assert set(first) == NAMES
    assert all(first[name].read_bytes() == second[name].read_bytes() for name in NAMES)
    pose = first["tiny.pose.svg"].read_text()
    for text in ("mean pose (floor)", "untrained network (floor)", "PA-MPJPE (mm), split: subject"):
        assert text in pose
    assert "dc:date" not in pose
    assert "labelled frames" in first["tiny.labels.svg"].read_text()


def test_overlays_show_the_moments_that_are_asked_for(toy):
    toy.settings = {"overlay_frames": 3}
    toy.write()
    picture = np.asarray(Image.open(write(toy, "out")["tiny.overlays.png"]))
    assert 3 * 256 < picture.shape[0] < 4 * 256
    assert (picture[0, 0] == 255).all()


@pytest.mark.parametrize(("missing", "figure"), [("joints", "pose"), ("joints", "labels"), ("behaviours", "confusion")])
def test_figures_without_reference_say_so(toy, missing, figure):
    setattr(toy, missing, False)
    toy.write()
    written = write(toy, "out")
    assert set(written) == NAMES
    assert "no reference" in written[f"tiny.{figure}.svg"].read_text()
