from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.exchange import EXPORT_FORMATS, GivenCalibration, export_calibration, import_calibration
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.geometry.cameras import Camera, upright_rotation
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import make_camera
from tests.unit.calibration.formats.rigs import make_points, make_rig, see
from tests.unit.calibration.formats.test_matlab import write_label3d
from tests.unit.calibration.formats.test_qualisys import write_qualisys


def write(folder: Path, names: list[str], units: str = "mm", **metadata: float) -> Path:
    cameras = {name: make_camera(name, [1000.0 * np.cos(index), 1000 * np.sin(index), 700], 300) for index, name in enumerate(names)}
    write_calibration(cameras, folder / "given.toml", units, metadata)
    return folder / "given.toml"


def test_cameras_are_matched_by_name_or_by_number(tmp_path: Path) -> None:
    path = write(tmp_path, ["cam_01", "cam_02", "top", "cam_04"], error=0.4)
    import_calibration(GivenCalibration(path, "mm"), ["cam2", "top", "cam01"], tmp_path / "rig.toml", tmp_path / "rig.parquet")
    given, (found, metadata) = read_calibration(path)[0], read_calibration(tmp_path / "rig.toml")
    assert list(found) == ["cam2", "top", "cam01"]
    assert np.allclose(found["cam2"].translation, given["cam_02"].translation)
    assert found["cam2"].name == "cam2"
    assert metadata == {"units": "mm", "source": "given.toml", "error": 0.4}
    table = read_table(tmp_path / "rig.parquet", "calibration")
    assert table["camera"].tolist() == ["cam2", "top", "cam01"]
    assert table["mean_px"].isna().all()
    assert read_metadata(tmp_path / "rig.parquet")["units"] == "mm"


def test_all_cameras_come_under_their_own_names(tmp_path: Path) -> None:
    import_calibration(GivenCalibration(write(tmp_path, ["b", "a"]), "mm"), None, tmp_path / "rig.toml", tmp_path / "rig.parquet")
    assert list(read_calibration(tmp_path / "rig.toml")[0]) == ["b", "a"]


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        (["cam1", "cam2"], ["cam1", "cam3"], "'cam3' of the sheet is not in the calibration; it has cam1, cam2"),
        (["cam_1", "view_1", "cam_2"], ["c1", "c2"], "could be any of cam_1, view_1"),
        (["cam_1", "cam_2"], ["cam1", "camera1"], "two cameras of the sheet are matched with 'cam_1'"),
        (["cam_1", "cam_2"], ["cam_1"], "at least 2"),
    ],
)
def test_cameras_that_do_not_match_are_refused(tmp_path: Path, names: list[str], wanted: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        import_calibration(GivenCalibration(write(tmp_path, names), "mm"), wanted, tmp_path / "rig.toml", tmp_path / "rig.parquet")
    assert not (tmp_path / "rig.toml").exists()
    assert not (tmp_path / "rig.parquet").exists()


def test_other_units_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is in 'mm', the units given are 'm'; correct --units, or the sheet of rigs"):
        import_calibration(GivenCalibration(write(tmp_path, ["a", "b"]), "m"), None, tmp_path / "rig.toml", tmp_path / "rig.parquet")


@pytest.mark.parametrize(
    ("units", "scale", "fitting"),
    [("mm", 0.001, "give the units of the calibration (m)"), ("m", 1.0, "(cm or mm)"), ("cm", 1e-7, "none of")],
)
def test_a_scale_that_cannot_be_is_refused(tmp_path: Path, units: str, scale: float, fitting: str) -> None:
    cameras = {name: make_camera(name, [scale * x, scale * 500, scale * 700], 300) for name, x in (("a", 900.0), ("b", -800.0))}
    write_calibration(cameras, tmp_path / "given.toml", "")
    with pytest.raises(InputError, match=rf"given\.toml: in {units}, the cameras would be .* {units} apart, which cannot be") as error:
        import_calibration(GivenCalibration(tmp_path / "given.toml", units), None, tmp_path / "rig.toml", tmp_path / "rig.parquet")
    assert fitting in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.toml"]


def test_a_format_that_fixes_its_units_is_believed(tmp_path: Path) -> None:
    path = write_qualisys(tmp_path / "rig.qca.txt", make_rig(["cam1", "cam2"]))
    with pytest.raises(InputError, match="is in 'mm', the units given are 'm'"):
        import_calibration(GivenCalibration(path, "m"), None, tmp_path / "rig.toml")
    import_calibration(GivenCalibration(path, "mm"), ["cam2", "cam1"], tmp_path / "rig.toml")
    found, metadata = read_calibration(tmp_path / "rig.toml")
    assert list(found) == ["cam2", "cam1"]
    assert metadata == {"units": "mm", "source": "rig.qca.txt"}
    assert not (tmp_path / "rig.parquet").exists()


def test_what_points_up_becomes_z(tmp_path: Path) -> None:
    path = write(tmp_path, ["a", "b"])
    import_calibration(GivenCalibration(path, "mm", up="y"), None, tmp_path / "rig.toml", tmp_path / "rig.parquet")
    given, found = read_calibration(path)[0], read_calibration(tmp_path / "rig.toml")[0]
    assert found["a"].centre[2] == pytest.approx(given["a"].centre[1])


def test_a_given_calibration_keeps_its_skew_and_distortion(tmp_path: Path) -> None:
    path = write_label3d(tmp_path / "a_dannce.mat", make_rig(["Camera1", "Camera2"], skew=3.0))
    given = GivenCalibration(path, "mm", sizes={"Camera1": (1152, 1024), "Camera2": (1160, 1026)}, up="-y")
    import_calibration(given, None, tmp_path / "rig.toml", tmp_path / "rig.parquet")
    turned = make_points() @ upright_rotation("-y").T
    for known, found in zip(make_rig(["Camera1", "Camera2"], skew=3.0), read_calibration(tmp_path / "rig.toml")[0].values(), strict=True):
        assert found.size == known.size
        assert np.abs(project_through_lens(found, turned) - see(known, make_points())).max() < 1e-7


@pytest.mark.real_data
def test_the_real_persons_calibration_is_imported(real_data: Path, tmp_path: Path) -> None:
    path, cameras = real_data / "pose2sim_single" / "Calib_qualisys.toml", [f"cam0{number}" for number in range(1, 5)]
    import_calibration(GivenCalibration(path, "m"), cameras, tmp_path / "rig.toml", tmp_path / "rig.parquet")
    found = read_calibration(tmp_path / "rig.toml")[0]
    assert list(found) == cameras
    assert all(1 < camera.centre[2] < 3 for camera in found.values())


NAMES = ["left", "54138969", "top-2"]


def write_rig(folder: Path, skew: float = 0.0, fisheye: bool = False) -> Path:
    cameras = {}
    for known in make_rig(NAMES, skew):
        bent = fisheye and known.name == "left"
        distortion = np.array([0.05, -0.01, 0.002, 0.001] if bent else [*known.k[:2], *known.p, known.k[2]])
        cameras[known.name] = Camera(known.name, known.size, known.matrix, distortion, known.rotation, known.translation, bent)
    write_calibration(cameras, folder / "rig.toml", "mm", {"error": 0.25})
    return folder / "rig.toml"


@pytest.mark.parametrize("ending", ["yaml", "json", "xml"])
def test_opencv_sees_the_same_with_what_is_exported(tmp_path: Path, ending: str) -> None:
    export_calibration(write_rig(tmp_path), tmp_path / f"rig.{ending}")
    storage = cv2.FileStorage(str(tmp_path / f"rig.{ending}"), cv2.FILE_STORAGE_READ)
    ks, distortions, rotations, translations = (storage.getNode(key).mat() for key in ("Ks", "distortions", "rvecs", "Ts"))
    assert storage.getNode("cam_ids").string().split(",") == NAMES
    assert storage.getNode("units").string() == "mm"
    assert storage.getNode("image_sizes").mat().tolist() == [list(known.size) for known in make_rig(NAMES)]
    for index, known in enumerate(make_rig(NAMES)):
        pixels = cv2.projectPoints(make_points(), rotations[index], translations[index], ks[index], distortions[index])[0]
        assert np.abs(pixels.reshape(-1, 2) - see(known, make_points())).max() < 1e-7


def test_aniposelib_sees_the_same_with_what_is_exported(tmp_path: Path) -> None:
    anipose = pytest.importorskip("aniposelib.cameras")
    export_calibration(write_rig(tmp_path), tmp_path / "exported.toml", "aniposelib")
    group = anipose.CameraGroup.load(str(tmp_path / "exported.toml"))
    for known, pixels in zip(make_rig(NAMES), group.project(make_points()), strict=True):
        assert np.abs(pixels.reshape(-1, 2) - see(known, make_points())).max() < 1e-7


def test_the_skew_that_others_pass_over_is_said_in_pixels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_calibration(write_rig(tmp_path, skew=3.0), tmp_path / "rig.yaml")
    # The first camera: 3 of skew, 1410 of focal length, 515.8 pixels down to the principal point.
    assert (
        f"camera left has a skewed matrix, which OpenCV and aniposelib pass over: points are up to {3 * 515.8 / 1410:.2f} px off"
        in caplog.text
    )


@pytest.mark.parametrize(
    ("output", "format_name"), [("a.csv", None), ("a.toml", "opencv"), ("a.yaml", "aniposelib"), ("a", None), ("a.mat", "opencv")]
)
def test_another_ending_is_refused(tmp_path: Path, output: str, format_name: str | None) -> None:
    path = write_rig(tmp_path)
    with pytest.raises(InputError, match=f"{output}: has another ending than .*; rename it"):
        export_calibration(path, tmp_path / "out" / output, format_name)
    assert not (tmp_path / "out").exists()


def test_formats_are_known_to_the_verb() -> None:
    from bkind3d.cli import build_parser

    for name in EXPORT_FORMATS:
        assert build_parser().parse_args(["export-calibration", "a.toml", "--format", name, "-o", "b"]).format == name
