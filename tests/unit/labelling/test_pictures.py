import cv2
import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, View
from bkind3d.labelling.pictures import Pictures


def test_a_picture_is_the_frame_that_was_asked_for(tmp_path, write_video):
    """Whatever was asked before, with frames that are told by those around them."""
    shades = [np.full((64, 96, 3), 10 * number, np.uint8) for number in range(20)]
    video = write_video(tmp_path / "a.mp4", shades, codec_options={"g": "8", "bf": "2", "preset": "fast"})
    pictures = Pictures({("s", "cam1"): [video]}, {("s", "cam1", frame): frame for frame in range(20)})
    for frame in (17, 3, 9, 0, 19, 8):
        found = cv2.imdecode(np.frombuffer(pictures.get(("s", "cam1", frame)), np.uint8), cv2.IMREAD_COLOR)
        assert abs(float(found.mean()) - 10 * frame) < 3
    with pytest.raises(InputError, match="has no frame 20"):
        pictures.get(("s", "cam1", 20))
    part = Pictures({("s", "cam1"): View((video,), Crop(10, 4, 50, 40))}, {("s", "cam1", 3): 3})
    assert cv2.imdecode(np.frombuffer(part.get(("s", "cam1", 3)), np.uint8), cv2.IMREAD_COLOR).shape == (40, 50, 3)
