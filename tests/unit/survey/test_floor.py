from functools import cache

import numpy as np

from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import pixel_directions
from bkind3d.survey.floor import Plane, find_floor
from tests.unit.survey.conftest import make_cameras, make_track

CAMERAS = list(make_cameras().values())
FLOOR = Plane(np.array([0.0, 0, 1]), 0.0)


def look(camera: Camera) -> np.ndarray:
    """Directions of all pixels of one of the cameras."""
    return _look(camera.name)


@cache
def _look(name: str) -> np.ndarray:
    camera = make_cameras()[name]
    pixels = np.stack(np.meshgrid(*(np.arange(side) for side in camera.size)), axis=-1).reshape(-1, 2)
    return pixel_directions(camera, pixels.astype(float))


def draw_shadow(camera: Camera, middle: np.ndarray, plane: Plane = FLOOR, radius: float = 70.0) -> np.ndarray:
    """A round shadow on the plane."""
    away = np.linalg.norm(plane.meet(camera.centre, look(camera)) - middle, axis=1)
    return 255 * (away < radius).reshape(camera.size[::-1]).astype(np.uint8)


def draw_body(camera: Camera, middle: np.ndarray, radius: float = 70.0) -> np.ndarray:
    """A ball."""
    away = np.linalg.norm(np.cross(look(camera), middle - camera.centre), axis=1)
    return 255 * (away < radius).reshape(camera.size[::-1]).astype(np.uint8)


def test_the_floor_is_where_shadows_of_all_views_coincide() -> None:
    places = make_track() * (1, 1, 0)
    floor = find_floor(CAMERAS, [[draw_shadow(camera, place) for place in places] for camera in CAMERAS])
    assert floor is not None
    assert abs(floor.normal[2]) > np.cos(np.radians(1))
    assert np.abs(places @ floor.normal - floor.offset).max() < 4  # of 500 to 600 below the cameras


def test_a_floor_is_found_in_any_world_and_beside_shadows_that_only_one_view_has() -> None:
    tilted = Plane(np.array([0.0, -np.sin(0.2), np.cos(0.2)]), -80.0)
    places = tilted.meet(np.array([0.0, 0, 1000]), make_track() * (1, 1, 0) - (0, 0, 1000))
    views = [[draw_shadow(camera, place, tilted) for place in places] for camera in CAMERAS]
    views[0] = [shadow | draw_body(CAMERAS[0], place + (0, 0, 150), 40.0) for shadow, place in zip(views[0], places, strict=True)]
    floor = find_floor(CAMERAS, views)
    assert floor is not None
    assert np.abs(places @ floor.normal - floor.offset).max() < 8


def test_bodies_that_are_taken_for_shadow_and_nothing_at_all_make_no_floor() -> None:
    places = make_track()
    assert find_floor(CAMERAS, [[draw_body(camera, place) for place in places] for camera in CAMERAS]) is None
    empty = np.zeros(CAMERAS[0].size[::-1], np.uint8)
    assert find_floor(CAMERAS, [[empty] * 30, [None] * 30, [empty] * 30]) is None
