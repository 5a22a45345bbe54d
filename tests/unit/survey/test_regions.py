from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.survey.regions import read_region


def draw(path: Path, size: tuple[int, int] = (160, 120), white: slice = np.s_[:80]) -> Path:
    picture = np.zeros(size[::-1], np.uint8)
    picture[:, white] = 255
    cv2.imwrite(str(path), picture)
    return path


def test_a_drawing_of_another_size_is_resized(tmp_path: Path) -> None:
    region = read_region(draw(tmp_path / "mask.png"), (640, 480), (80, 60))
    assert region.shape == (60, 80)
    assert region[:, :40].all()
    assert not region[:, 40:].any()


def test_a_drawing_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mask.png: is 160x120, the video 480x640; draw"):
        read_region(draw(tmp_path / "mask.png"), (480, 640), (60, 80))


def test_a_black_drawing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="black everywhere"):
        read_region(draw(tmp_path / "mask.png", white=np.s_[:0]), (640, 480), (80, 60))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_region(tmp_path / "mask.png", (640, 480), (80, 60))
