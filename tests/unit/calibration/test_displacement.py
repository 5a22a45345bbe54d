import re
from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.displacement import check_given
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import CAMERAS, make_poses, put


def test_a_camera_that_was_moved_since_is_named_with_how_far(noisy: Corners) -> None:
    given = [replace(camera, translation=camera.translation + 40) if camera.name == "right" else camera for camera in CAMERAS]
    (finding,) = check_given(given, noisy)
    assert finding.cameras == ("right",)
    found = re.search(r"stands ([\d.]+) \(world units\) and ([\d.]+) degrees .* moved since", finding.text)
    assert found
    assert float(found[1]) == pytest.approx(40 * np.sqrt(3), rel=0.05)
    assert float(found[2]) < 0.5


def test_exchanged_and_copied_entries_are_named(noisy: Corners) -> None:
    exchanged = [CAMERAS[1], CAMERAS[0], *CAMERAS[2:]]
    renamed = [replace(camera, name=name) for camera, name in zip(exchanged, noisy.cameras, strict=True)]
    findings = check_given(renamed, noisy)
    assert {finding.kind for finding in findings} <= {"exchanged", "moved"}
    copied = [replace(CAMERAS[1], name="left"), *CAMERAS[1:]]
    findings = check_given(copied, noisy)
    assert [(finding.kind, finding.cameras) for finding in findings] == [("copy", ("left", "right")), ("moved", ("left",))]
    assert "its entry is the copied one" in findings[1].text


def test_a_copied_entry_is_named_where_it_has_another_lens(noisy: Corners) -> None:
    """With the other's lens, no board that the camera sees fits anything."""
    tele = replace(CAMERAS[0], matrix=CAMERAS[0].matrix * [[1.6, 1, 1], [1, 1.6, 1], [1, 1, 1]])
    points = np.stack([project_through_lens(tele, noisy.model @ rotation.T + translation) for rotation, translation in make_poses()])
    given = [replace(CAMERAS[1], name="left"), *CAMERAS[1:]]
    findings = check_given(given, put(noisy, 0, points))
    assert [(finding.kind, finding.cameras) for finding in findings] == [("copy", ("left", "right")), ("moved", ("left",))]
