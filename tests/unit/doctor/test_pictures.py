import numpy as np
import pytest

from bkind3d.doctor.pictures import CUBE, choose_moment, choose_spacing, draw_epipolar_lines, draw_lines, list_cube_lines, tile_views
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.survey.silhouettes import Silhouettes
from tests.unit.survey.conftest import make_camera

CAMERAS = {name: make_camera(name, position) for name, position in {"a": [900.0, 0, 500], "b": [-500.0, 800, 600]}.items()}


def look_at(point: np.ndarray) -> dict[str, Silhouettes]:
    found = {}
    for name, camera in CAMERAS.items():
        x, y = project_through_lens(camera, point[None])[0]
        found[name] = Silhouettes(np.zeros((144, 192), np.uint8), np.array([[100.0, x, y, x - 5, y - 5, x + 5, y + 5]]))
    return found


def test_lines_bend_with_the_lens() -> None:
    camera = CAMERAS["a"]
    picture = np.zeros((144, 192, 3), np.uint8)
    line = np.array([[400, -240.0, 0], [400, 240.0, 0]])
    draw_lines(picture, camera, [line], CUBE)
    for share in (0.05, 0.3, 0.5, 0.8):
        x, y = project_through_lens(camera, ((1 - share) * line[0] + share * line[1])[None])[0].round().astype(int)
        assert picture[y - 1 : y + 2, x].max() > 100
    straight = project_through_lens(camera, line)
    middle = project_through_lens(camera, line.mean(axis=0)[None])[0]
    assert abs(middle[1] - straight[:, 1].mean()) > 0.8, "a straight line would miss the middle"


def test_a_cube_has_twelve_edges_of_its_side() -> None:
    lines = list_cube_lines(np.array([1.0, 2, 3]), 4.0)
    assert len(lines) == 12
    assert [float(np.linalg.norm(line[1] - line[0])) for line in lines] == pytest.approx([4.0] * 12)
    assert np.mean(lines, axis=(0, 1)) == pytest.approx([1, 2, 3])


def test_epipolar_lines_run_through_the_same_point_and_not_through_another() -> None:
    pictures = {name: np.zeros((144, 192, 3), np.uint8) for name in CAMERAS}
    point = np.array([50.0, -40, 60])
    drawn, distances = draw_epipolar_lines(pictures, CAMERAS, look_at(point), "a", 5000)
    assert list(distances) == ["b"]
    assert distances["b"] < 1
    assert drawn["b"].any()
    wrong = look_at(point) | {"b": look_at(point + [0, 0, 150])["b"]}
    assert draw_epipolar_lines(pictures, CAMERAS, wrong, "a", 5000)[1]["b"] > 10


def test_the_moment_that_most_views_see_is_chosen() -> None:
    seen, unseen = look_at(np.zeros(3))["a"], Silhouettes(np.zeros((144, 192), np.uint8), np.zeros((0, 7)))
    assert choose_moment({"a": {0: seen, 1: seen, 5: seen}, "b": {0: unseen, 1: seen, 7: seen}}) == 1
    assert choose_moment({"a": {0: seen}, "b": {0: unseen}}) is None
    assert choose_moment({}) is None


@pytest.mark.parametrize(("distance", "spacing"), [(1090, 100), (3.4, 0.2), (600, 50)])
def test_the_grid_has_round_squares(distance: float, spacing: float) -> None:
    assert choose_spacing(distance) == pytest.approx(spacing)


def test_views_of_any_size_are_tiled() -> None:
    views = {str(number): np.full((100 + number, 80, 3), 200, np.uint8) for number in range(5)}
    assert tile_views(views, width=400).shape[1] == 400
