from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.calibration_files import fit_camera_to_video, read_calibration, write_calibration
from bkind3d.data.crops import Crop, Part
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import measure_reach


def make_cameras() -> dict[str, Camera]:
    generator = np.random.default_rng(0)
    cameras = {}
    for index, name in enumerate(("left", 'with "quotes" and µ', "fish")):
        matrix = np.array([[400 + 1 / 3, 0, 159.5], [0, 401 + 1 / 7, 127.5], [0, 0, 1]])
        distortion = generator.normal(size=4 if name == "fish" else 5) * 0.01
        rotation = cv2.Rodrigues(generator.normal(size=3))[0]
        cameras[name] = Camera(name, (320, 256 + index), matrix, distortion, rotation, generator.normal(size=3) * 1e3, name == "fish")
    return cameras


def test_what_is_written_is_read_to_the_last_digit(tmp_path: Path) -> None:
    cameras = make_cameras()
    write_calibration(
        cameras, tmp_path / "rig.toml", "mm", {"error": 1 / 3, "flag": True, "names": ["a", "b"], "table": {"x y": 1}, "none": None}
    )
    found, metadata = read_calibration(tmp_path / "rig.toml")
    assert list(found) == list(cameras)
    assert metadata == {"units": "mm", "error": 1 / 3, "flag": True, "names": ["a", "b"], "table": {"x y": 1}}
    for name, camera in cameras.items():
        assert found[name].size == camera.size
        assert found[name].fisheye == camera.fisheye
        assert np.array_equal(found[name].matrix, camera.matrix)
        assert np.array_equal(found[name].distortion, camera.distortion)
        assert np.array_equal(found[name].translation, camera.translation)
        assert np.abs(found[name].rotation - camera.rotation).max() < 1e-14


def test_aniposelib_reads_what_is_written(tmp_path: Path) -> None:
    anipose = pytest.importorskip("aniposelib.cameras")
    cameras = make_cameras()
    write_calibration(cameras, tmp_path / "rig.toml", "mm")
    points = np.array([[10.0, 20.0, 30.0]])
    for loaded, camera in zip(anipose.CameraGroup.load(str(tmp_path / "rig.toml")).cameras, cameras.values(), strict=True):
        assert loaded.get_name() == camera.name
        project = cv2.fisheye.projectPoints if camera.fisheye else cv2.projectPoints
        rotation = cv2.Rodrigues(camera.rotation)[0]
        expected = project(points[None], rotation, camera.translation, camera.matrix, camera.distortion)[0]
        assert np.allclose(loaded.project(points).ravel(), expected.ravel())


def test_four_coefficients_are_the_first_of_five(tmp_path: Path) -> None:
    text = write_text(tmp_path).replace("distortions = [0.1, 0.0, 0.0, 0.0, 0.0]", "distortions = [0.1, 0.2, 0.3, 0.4]")
    (tmp_path / "rig.toml").write_text(text)
    assert read_calibration(tmp_path / "rig.toml")[0]["a"].distortion.tolist() == [0.1, 0.2, 0.3, 0.4, 0.0]


def write_text(folder: Path) -> str:
    base = Camera("a", (320, 256), np.diag([300.0, 300.0, 1.0]), np.array([0.1, 0, 0, 0, 0]), np.eye(3), np.zeros(3))
    write_calibration({"a": base, "b": replace(base, name="b", translation=np.array([1.0, 2.0, 3.0]))}, folder / "rig.toml", "mm")
    return (folder / "rig.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("translation = [1.0, 2.0, 3.0]", "translation = [nan, 2.0, 3.0]", "'b'.*translation.*not finite"),
        ("translation = [1.0, 2.0, 3.0]", "", "'b'.*'translation' is missing"),
        ("translation = [1.0, 2.0, 3.0]", "translation = [1.0, 2.0]", "translation has 2 numbers, expected 3"),
        ("translation = [1.0, 2.0, 3.0]", 'translation = ["x", 1.0, 2.0]', "translation is not an array of numbers"),
        ("translation = [1.0, 2.0, 3.0]", "translation = [0.0, 0.0, 0.0]", "'a' and 'b' have the same position"),
        ("rotation = [0.0, 0.0, 0.0]", "rotation = [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]", "orthonormal"),
        ("rotation = [0.0, 0.0, 0.0]", "rotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]", "determinant"),
        ("[300.0, 0.0, 0.0]", "[-300.0, 0.0, 0.0]", "positive focal"),
        ("size = [320, 256]", "size = [320.5, 256]", "number of pixels"),
        ("rotation = [0.0, 0.0, 0.0]", "rotation = [30.0, 0.0, 90.0]", "a turn of 94.87 radians; is it in degrees"),
        ("[300.0, 0.0, 0.0], [0.0, 300.0, 0.0]", "[0.4, 0.0, 0.0], [0.0, 0.4, 0.0]", "sees 17.* degrees with focal lengths of 0.4 and 0.4"),
        ("distortions = [0.1, 0.0, 0.0, 0.0, 0.0]", "distortions = [-900.0, 0.0, 0.0, 0.0, 0.0]", "turns back at 1 % of the way"),
        ("distortions = [0.1, 0.0, 0.0, 0.0, 0.0]", "distortions = [900.0, 0.0, 0.0, 0.0, 0.0]", "times as large or small"),
        ("distortions = [0.1, 0.0, 0.0, 0.0, 0.0]", "distortions = [-0.9, 0.1, 0.0, 0.0, 0.0]", "turns back at"),
        ('name = "b"', 'name = "a"', "two cameras are named 'a'"),
        ("[cam_1]", "[metadata.cam_1]", "has 1 camera"),
        ("[cam_1]", "[cam_1", "not valid TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = write_text(tmp_path)
    assert old in text
    if new.startswith("[metadata.cam_1]"):
        text = text.split("[metadata]")[0]
    (tmp_path / "rig.toml").write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message) as error:
        read_calibration(tmp_path / "rig.toml")
    assert str(tmp_path / "rig.toml") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml: cannot be read"):
        read_calibration(tmp_path / "nowhere.toml")


def test_nothing_is_left_of_a_writing_that_fails(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_calibration(make_cameras(), tmp_path / "rig.toml", "mm", {"bad": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_video_of_another_size_scales_the_camera_at_its_edges_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    camera = make_cameras()["left"]
    half = fit_camera_to_video(camera, (160, 128), "a.toml")
    assert "a.toml: camera left: calibrated at 320x256, video is 160x128: scaled" in caplog.text
    # The picture's corner, half a pixel outside of the first pixel's centre, stays in the corner.
    ray = np.linalg.inv(camera.matrix) @ np.array([-0.5, -0.5, 1])
    assert np.allclose(half.matrix @ ray, [-0.5, -0.5, 1])
    assert fit_camera_to_video(camera, camera.size, "a.toml") is camera


def test_a_slightly_smaller_video_is_a_crop_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    camera = replace(make_cameras()["left"], size=(1088, 1920))
    cropped = fit_camera_to_video(camera, (1080, 1920), "a.toml")
    assert "calibrated at 1088x1920, video is 1080x1920: taken as a crop" in caplog.text
    assert cropped.size == (1080, 1920)
    assert np.array_equal(cropped.matrix, camera.matrix)


@pytest.mark.parametrize("size", [(320, 200), (256, 320), (640, 480), (300, 256)])
def test_another_aspect_is_refused_with_numbers(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=rf"a\.toml: camera 'left'.*320x256.*{size[0]}x{size[1]}"):
        fit_camera_to_video(make_cameras()["left"], size, "a.toml")


def test_the_copied_camera_of_a_real_calibration_is_noticed(real_data: Path) -> None:
    with pytest.raises(InputError, match="'side' and 'top'"):
        read_calibration(real_data / "sleap_anipose" / "calibration.toml")
    assert len(read_calibration(real_data / "sleap_anipose" / "from_fd57457" / "calibration.toml")[0]) == 4


def test_lenses_of_real_rigs_are_taken(real_data: Path) -> None:
    # Those of the mouse, which see its board to half a pixel, turn back at two thirds of the way to the corner.
    cameras, _ = read_calibration(real_data / "sleap_anipose/from_fd57457/calibration.toml")
    shares = [measure_reach(camera).share for camera in cameras.values()]
    assert 0.6 < min(shares) < max(shares) < 0.9
    cameras, _ = read_calibration(real_data / "mirror_mouse/derived_two_view_calibration.toml")
    assert max(measure_reach(camera).angle for camera in cameras.values()) < 1


@pytest.mark.parametrize("scale", [1, 2])
def test_a_part_of_the_calibrated_picture_moves_the_principal_point_and_it_is_said(scale: int, caplog: pytest.LogCaptureFixture) -> None:
    camera = make_cameras()["left"]
    part = Part(Crop(20, 30, 200, 100), (320, 256))
    given = camera.resized((320 * scale, 256 * scale))
    found = fit_camera_to_video(given, part.crop.size, "a.toml", part)
    assert "calibrated for the whole picture of " in caplog.text
    assert found.size == (200, 100)
    assert np.allclose(found.matrix[:2, 2] + (20, 30), camera.matrix[:2, 2])
    assert np.allclose(found.matrix[:2, :2], camera.matrix[:2, :2])
    own = replace(camera, size=(200, 100))
    assert fit_camera_to_video(own, part.crop.size, "a.toml", part) is own


def test_where_a_calibration_may_be_of_the_part_or_of_the_whole_it_is_refused() -> None:
    quarter = Part(Crop(160, 0, 160, 128), (320, 256))
    camera = make_cameras()["left"]
    assert fit_camera_to_video(camera, (160, 128), "a.toml", quarter).matrix[0, 0] == camera.matrix[0, 0]
    assert (
        fit_camera_to_video(camera.resized((160, 128)), (160, 128), "a.toml", quarter).matrix[0, 2]
        == camera.resized((160, 128)).matrix[0, 2]
    )
    with pytest.raises(InputError, match=r"640x512 pixels, which may be the crop 160,0,160,128 or the whole picture \(320x256\), scaled"):
        fit_camera_to_video(camera.resized((640, 512)), (160, 128), "a.toml", quarter)
    with pytest.raises(InputError, match="calibrated for the whole picture, and its crop 160,0,160,128,flip is mirrored"):
        fit_camera_to_video(camera, (160, 128), "a.toml", quarter._replace(crop=Crop(160, 0, 160, 128, True)))
    with pytest.raises(InputError, match="the aspect differs"):
        fit_camera_to_video(camera, (100, 10), "a.toml", Part(Crop(0, 0, 100, 10), (640, 480)))
