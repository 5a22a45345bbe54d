import base64
import io

import numpy as np
import pytest
from PIL import Image

from bkind3d.report.contents import read_named_keypoints
from bkind3d.report.sprites import SIDES, draw_sprites


def draw(toy, room, chosen=None):
    study = toy.write().open()
    keypoints = read_named_keypoints(study, "tiny", "test1")
    chosen = np.arange(len(keypoints.frames)) if chosen is None else chosen
    return draw_sprites(study, "tiny", "test1", keypoints, chosen, room)


def decode(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def test_all_moments_are_drawn_where_there_is_room(toy):
    sprites = draw(toy, 10_000_000)
    assert sprites.side == SIDES[0]
    assert sprites.cameras == ["cam1", "cam2"]
    assert sprites.moments.tolist() == list(range(toy.n_frames))
    assert decode(sprites.texts[0]).shape == (SIDES[0], 2 * SIDES[0], 3)


def test_pictures_become_smaller_and_then_fewer(toy):
    toy.n_frames = 40
    sizes = [len(text) for text in draw(toy, 10_000_000).texts]
    smaller = draw(toy, int(0.95 * sum(sizes)))
    assert (smaller.side, len(smaller.texts)) == (SIDES[1], 40)
    fewer = draw(toy, int(0.1 * sum(sizes)))
    assert fewer.side == SIDES[1]
    assert 1 <= len(fewer.texts) < 20
    assert len(set(np.diff(fewer.moments))) == 1
    assert sum(len(text) for text in fewer.texts) < 0.12 * sum(sizes)


def test_a_picture_is_never_cut_into_another(toy):
    """Texts are put behind each other in the page: each must be whole groups of four characters."""
    assert all(len(text) % 4 == 0 for text in draw(toy, 10_000_000).texts)


def test_keypoints_lie_on_the_body_in_every_view(toy):
    sprites = draw(toy, 10_000_000)
    picture = decode(sprites.texts[5]).astype(float)
    for camera in range(2):
        view = picture[:, camera * sprites.side : (camera + 1) * sprites.side]
        for x, y in sprites.places[5, camera]:
            around = view[int(y * sprites.side) - 8 : int(y * sprites.side) + 9, int(x * sprites.side) - 8 : int(x * sprites.side) + 9]
            # The body is dark brown on light grey.
            assert around.mean(axis=-1).min() < 110


def test_a_moment_that_was_not_located_stays_dark(toy):
    toy.located = 0.5
    sprites = draw(toy, 10_000_000)
    assert np.isnan(sprites.places[-1]).all()
    assert decode(sprites.texts[-1]).max() < 10
    assert np.isfinite(sprites.places[0]).all()


def test_views_are_those_that_the_experiment_saw(toy):
    toy.n_cameras = 3
    assert draw(toy, 10_000_000).places.shape == (toy.n_frames, 3, toy.n_keypoints, 2)


def test_room_for_nothing_still_shows_one_moment(toy):
    assert len(draw(toy, 1).texts) == pytest.approx(1)
