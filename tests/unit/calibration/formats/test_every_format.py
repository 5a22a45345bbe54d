"""What every row of the table of formats has to do: a new format adds an example here, and nothing else."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bkind3d.calibration.exchange import EXPORT_FORMATS, export_calibration
from bkind3d.calibration.formats.reading import load_format, read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, list_formats
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_points, make_rig, see
from tests.unit.calibration.formats.test_aniposelib import write_pose2sim
from tests.unit.calibration.formats.test_bouguet import write_bouguet
from tests.unit.calibration.formats.test_caliscope import write_caliscope
from tests.unit.calibration.formats.test_deepfly3d import make_result
from tests.unit.calibration.formats.test_human36m import NAMES as HUMAN36M_NAMES
from tests.unit.calibration.formats.test_human36m import make_numbers, see_in_human36m, write_metadata
from tests.unit.calibration.formats.test_jarvis import write_jarvis
from tests.unit.calibration.formats.test_kalibr import write_kalibr
from tests.unit.calibration.formats.test_matlab import write_label3d, write_rat7m
from tests.unit.calibration.formats.test_multicamselfcal import write_multicamselfcal
from tests.unit.calibration.formats.test_opencv import write_rows
from tests.unit.calibration.formats.test_qualisys import write_qualisys
from tests.unit.calibration.formats.test_table import write_table
from tests.unit.calibration.formats.test_voxelpose import write_voxelpose


class Example(NamedTuple):
    """A file as the other program writes it; points are given to it in `scale` (Pose2Sim has metres), and k3 where `has_k3`."""

    file: str
    names: list[str]
    write: Callable[[Path, list[KnownCamera]], object]
    scale: float = 1.0
    has_k3: bool = True
    needs_size: bool = False
    subject: str | None = None


CAMERAS = ["Camera1", "Camera2", "Camera3"]
EXAMPLES = {
    "aniposelib": Example("a.toml", ["top", "side", "back"], write_pose2sim, scale=1000, has_k3=False),
    "caliscope": Example("camera_array.toml", ["cam_0", "cam_1", "cam_2"], write_caliscope),
    "dannce": Example("a_dannce.mat", CAMERAS, write_label3d, needs_size=True),
    "rat7m": Example("mocap.MAT", CAMERAS, lambda path, rig: write_rat7m(path, rig, [2, 0, 1]), has_k3=False, needs_size=True),
    "human36m": Example("metadata.xml", HUMAN36M_NAMES, lambda path, _: write_metadata(path), subject="S5"),
    "qualisys": Example("a.xml", ["26578", "26579", "26580"], write_qualisys),
    "opencv": Example("b.xml", ["left", "right", "54138969"], write_rows),
    "deepfly3d": Example(
        "df3d_result.pkl",
        [str(number) for number in range(7)],
        lambda path, _: path.write_bytes(pickle.dumps(make_result())),
        needs_size=True,
    ),
    "jarvis": Example("Camera_B.yaml", ["Camera_B", "Camera_LC", "Camera_T"], write_jarvis, needs_size=True),
    "kalibr": Example("camchain.yaml", ["cam0", "cam1", "cam2"], write_kalibr, scale=1000),
    "voxelpose": Example("calibration_shelf.json", ["0", "1", "2"], write_voxelpose, needs_size=True),
    "bouguet": Example("Calib_Results_stereo.mat", ["left", "right"], write_bouguet, needs_size=True),
    "multicamselfcal": Example("camera1.Pmat.cal", ["cam1", "cam2", "cam3"], write_multicamselfcal, has_k3=False),
    "table": Example("cameras.csv", ["left", "right", "top"], write_table),
}


def make_example(name: str, folder: Path) -> tuple[Path, list[KnownCamera], dict[str, object]]:
    """The file, the cameras that it holds, and what has to be said to read it."""
    example = EXAMPLES[name]
    rig = make_rig(example.names)
    rig = rig if example.has_k3 else [KnownCamera(**{**vars(camera), "k": (*camera.k[:2], 0.0)}) for camera in rig]
    example.write(folder / example.file, rig)
    options: dict[str, object] = {"sizes": {camera.name: camera.size for camera in rig}} if example.needs_size else {}
    return folder / example.file, rig, options | {"subject": example.subject}


def test_every_row_has_a_module_and_an_example() -> None:
    assert EXAMPLES.keys() == CALIBRATION_FORMATS.keys()
    for name, row in CALIBRATION_FORMATS.items():
        form = load_format(name)
        assert hasattr(form, "read") != hasattr(form, "read_subject")
        assert hasattr(form, "write") == row.written


@pytest.mark.parametrize("name", CALIBRATION_FORMATS)
def test_cameras_see_what_the_file_says_to_a_millionth_of_a_pixel(tmp_path: Path, name: str) -> None:
    path, rig, options = make_example(name, tmp_path)
    cameras, _ = read_given_cameras(path, **options)
    assert list(cameras) == [camera.name for camera in rig]
    for index, (known, camera) in enumerate(zip(rig, cameras.values(), strict=True)):
        if name == "human36m":  # which has numbers of its own for each subject, and a formula of its own
            pose, lens = make_numbers()[0][index, int(EXAMPLES[name].subject[1:]) - 1], make_numbers()[1][index]
            points = camera.centre + (make_points() / 100 * [1, 1, 0] * 0.25 + [0, 0, 5.0]) @ camera.rotation * 700
            expected = see_in_human36m(pose, lens, points)
        else:
            assert camera.size == known.size
            points, expected = make_points() / EXAMPLES[name].scale, see(known, make_points())
        if name == "bouguet":  # whose world is the left camera's
            points = make_points() @ rig[0].rotation.T + rig[0].translation
        assert np.abs(project_through_lens(camera, points) - expected).max() < 1e-6


@pytest.mark.parametrize("name", CALIBRATION_FORMATS)
def test_the_format_is_the_same_when_it_is_named(tmp_path: Path, name: str) -> None:
    path, _, options = make_example(name, tmp_path)
    guessed, named = read_given_cameras(path, **options)[0], read_given_cameras(path, name, **options)[0]
    assert [repr(camera) for camera in guessed.values()] == [repr(camera) for camera in named.values()]
    assert name in list_formats(path)


@pytest.mark.parametrize("name", CALIBRATION_FORMATS)
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.9])
def test_a_truncated_file_is_refused_in_one_line_or_lacks_cameras_at_its_end(tmp_path: Path, name: str, share: float) -> None:
    path, rig, options = make_example(name, tmp_path)
    path.write_bytes(path.read_bytes()[: max(1, int(share * path.stat().st_size))])
    try:
        cameras = read_given_cameras(path, **options)[0]
    except InputError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert len(cameras) < len(rig)


@pytest.mark.parametrize("name", CALIBRATION_FORMATS)
@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04\x00\xff" * 100, b"[a]\nb = 1\n", b"<a></a>", b"{}"])
def test_any_file_of_another_format_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / f"a{CALIBRATION_FORMATS[name].endings[0]}"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_given_cameras(path, name, EXAMPLES[name].subject, {"": (640, 480)})
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", CALIBRATION_FORMATS)
def test_subjects_and_sizes_are_asked_for_where_the_file_needs_them(tmp_path: Path, name: str) -> None:
    path, _, options = make_example(name, tmp_path)
    if EXAMPLES[name].needs_size:
        with pytest.raises(InputError, match=r"does not say for which picture size it is; give the width and height"):
            read_given_cameras(path)
    other = None if EXAMPLES[name].subject else "S1"
    with pytest.raises(InputError, match="has cameras per subject; name one" if other is None else "leave the subject out"):
        read_given_cameras(path, **options | {"subject": other})


WRITTEN = [(name, ending) for name in EXPORT_FORMATS for ending in CALIBRATION_FORMATS[name].endings]


@pytest.mark.parametrize(("name", "ending"), WRITTEN)
@pytest.mark.parametrize("fisheye", [False, True])
def test_what_is_exported_is_imported_again(tmp_path: Path, name: str, ending: str, fisheye: bool) -> None:
    cameras = {}
    for known in make_rig(["left", "54138969", "top-2", "r\u00fcckseite"], skew=2.0):
        bent = fisheye and known.name == "left"
        distortion = np.array([0.05, -0.01, 0.002, 0.001] if bent else [*known.k[:2], *known.p, known.k[2]])
        cameras[known.name] = Camera(known.name, known.size, known.matrix, distortion, known.rotation, known.translation, bent)
    write_calibration(cameras, tmp_path / "rig.toml", "mm", {"error": 0.25})
    export_calibration(tmp_path / "rig.toml", tmp_path / "out" / f"again{ending}", name)
    again, given = read_given_cameras(tmp_path / "out" / f"again{ending}")
    assert list(again) == list(cameras)
    assert given.units == "mm"
    for camera in read_calibration(tmp_path / "rig.toml")[0].values():
        found = again[camera.name]
        assert (found.size, found.fisheye) == (camera.size, camera.fisheye)
        assert np.abs(project_through_lens(found, make_points()) - project_through_lens(camera, make_points())).max() < 1e-6
