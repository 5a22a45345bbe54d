"""Files as MATLAB writes them: version 5 by SciPy, version 7.3 (HDF5) by h5py."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, distort, make_points, make_rig

NAMES = ["Camera1", "Camera2", "Camera3"]


def give_params(camera: KnownCamera, rotation_name: str = "r") -> dict[str, np.ndarray]:
    """A camera as Label3D has it: row vectors, pixels from 1."""
    matrix = camera.matrix.copy()
    matrix[:2, 2] += 1
    return {
        "K": matrix.T,
        "RDistort": np.array([camera.k]),
        "TDistort": np.array([camera.p]),
        rotation_name: camera.rotation.T,
        "t": camera.translation[None],
    }


def see_in_matlab(params: dict[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """MATLAB's pixels (from 1) of world points: ``[X 1] [r; t]``, distortion, K from the right."""
    rays = np.c_[points, np.ones(len(points))] @ np.r_[params["r"], params["t"]]
    rays = distort(rays[:, :2] / rays[:, 2:], tuple(params["RDistort"][0]), tuple(params["TDistort"][0]))
    return (np.c_[rays, np.ones(len(rays))] @ params["K"])[:, :2]


def make_cells(items: list) -> np.ndarray:
    cells = np.empty((len(items), 1), dtype=object)
    for index, item in enumerate(items):
        cells[index, 0] = item
    return cells


def write_label3d(path: Path, rig: list[KnownCamera], **more: object) -> Path:
    content = {"params": make_cells([give_params(camera) for camera in rig]), "camnames": make_cells([camera.name for camera in rig]).T}
    scipy.io.savemat(path, content | more)
    return path


def write_label3d_as_hdf5(path: Path, rig: list[KnownCamera]) -> Path:
    """As ``save -v7.3`` does it: transposed arrays, cells of references, a block of 512 bytes before the HDF5 file."""
    with h5py.File(path, "w", userblock_size=512) as file:
        references = file.create_group("#refs#")
        cells = file.create_dataset("params", (1, len(rig)), dtype=h5py.ref_dtype)
        names = file.create_dataset("camnames", (len(rig), 1), dtype=h5py.ref_dtype)
        for cell in (cells, names):
            cell.attrs["MATLAB_class"] = np.bytes_("cell")
        for index, camera in enumerate(rig):
            group = references.create_group(f"p{index}")
            group.attrs["MATLAB_class"] = np.bytes_("struct")
            for name, value in give_params(camera).items():
                group.create_dataset(name, data=np.ascontiguousarray(value.T)).attrs["MATLAB_class"] = np.bytes_("double")
            text = references.create_dataset(f"n{index}", data=np.array([[ord(letter)] for letter in camera.name], np.uint16))
            text.attrs["MATLAB_class"], text.attrs["MATLAB_int_decode"] = np.bytes_("char"), np.int32(2)
            cells[0, index], names[index, 0] = group.ref, text.ref
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


@pytest.mark.parametrize("write", [write_label3d, write_label3d_as_hdf5])
def test_a_file_of_label3d_is_read_with_its_skew(tmp_path: Path, write) -> None:
    rig = make_rig(NAMES, skew=3.0)
    sizes = {camera.name: camera.size for camera in rig}
    cameras, given = read_given_cameras(write(tmp_path / "a_dannce.mat", rig), sizes=sizes)
    assert list(cameras) == NAMES
    assert given.units is None
    for known in rig:
        found = cameras[known.name]
        assert found.size == known.size
        # MATLAB's first pixel is 1, so its pixels are one larger.
        assert np.abs(project_through_lens(found, make_points()) - (see_in_matlab(give_params(known), make_points()) - 1)).max() < 1e-9


def test_the_rotation_may_be_a_capital(tmp_path: Path) -> None:
    rig = make_rig(NAMES)
    scipy.io.savemat(tmp_path / "a.mat", {"params": make_cells([give_params(camera, "R") for camera in rig])})
    cameras, _ = read_given_cameras(tmp_path / "a.mat", sizes={"": (1152, 1024)})
    assert list(cameras) == NAMES
    assert np.allclose(cameras["Camera2"].rotation, rig[1].rotation)


def write_rat7m(path: Path, rig: list[KnownCamera], order: list[int]) -> Path:
    cameras = {}
    for index in order:
        params = give_params(rig[index])
        cameras[rig[index].name] = {
            "frame": np.arange(5)[None],
            "IntrinsicMatrix": params["K"],
            "rotationMatrix": params["r"],
            "translationVector": params["t"],
            "RadialDistortion": params["RDistort"][:, :2],
            "TangentialDistortion": params["TDistort"],
        }
    scipy.io.savemat(path, {"cameras": cameras, "mocap": {"HeadF": np.zeros((5, 3))}})
    return path


def test_cameras_of_rat7m_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    rig = make_rig([f"Camera{number}" for number in range(1, 7)])
    cameras, given = read_given_cameras(write_rat7m(tmp_path / "mocap-s1-d1.mat", rig, [0, 1, 3, 2, 4, 5]), sizes={"": (1328, 1048)})
    assert given.units == "mm"
    for known in rig:
        params = give_params(known)
        params["RDistort"] = np.array([[*known.k[:2], 0.0]])
        found = project_through_lens(cameras[known.name], make_points())
        assert np.abs(found - (see_in_matlab(params, make_points()) - 1)).max() < 1e-9


def spoil(rig: list[KnownCamera], **changes: object) -> dict[str, object]:
    params = [give_params(camera) for camera in rig]
    params[1] |= changes
    return {"params": make_cells(params)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pred": np.zeros((3, 3, 5))}, "has no variable 'params'"),
        ({"params": make_cells([3.0, 4.0])}, "'Camera1': field 'K' is missing"),
        (spoil(make_rig(NAMES), K=np.full((3, 3), np.nan)), "'Camera2': matrix contains a number that is not finite"),
        (spoil(make_rig(NAMES), t=np.array([[np.nan, 0, 0]])), "'Camera2': translation contains a number that is not finite"),
        (spoil(make_rig(NAMES), t=np.zeros((1, 4))), "'Camera2': field 't' is not 3 numbers"),
        (spoil(make_rig(NAMES), K="hello"), "'Camera2': field 'K' is not 3x3 numbers"),
        (spoil(make_rig(NAMES), K=make_rig(NAMES)[1].matrix), "'Camera2': K has no principal point in its last row"),
        (spoil(make_rig(NAMES), r=np.ones((3, 3))), "'Camera2': rotation is not a rotation matrix"),
        (spoil(make_rig(NAMES), RDistort=np.zeros((1, 5))), "'Camera2': has 5 radial and 2 tangential"),
        (spoil(make_rig(NAMES)) | {"camnames": make_cells(["a", "b"]).T}, "has 3 cameras in 'params' and 2 names in 'camnames'"),
        ({"params": make_cells([give_params(make_rig(NAMES)[0])])}, "has 1 camera"),
        ({"cameras": np.zeros(3)}, "has no structure 'cameras' with one field per camera"),
        ({"cameras": {"Camera1": {"frame": 1.0}}}, "'Camera1': field 'IntrinsicMatrix' is missing"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, content: dict[str, object], message: str) -> None:
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(InputError, match=message) as error:
        read_given_cameras(tmp_path / "a.mat", sizes={"": (1152, 1024)})
    assert str(tmp_path / "a.mat") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("write", [write_label3d, write_label3d_as_hdf5])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, write, share: float) -> None:
    data = write(tmp_path / "a.mat", make_rig(NAMES)).read_bytes()
    (tmp_path / "a.mat").write_bytes(data[: max(1, int(share * len(data)))])
    with pytest.raises(InputError, match=r"a\.mat: (is not a MATLAB file, or damaged|has no variable 'params')"):
        read_given_cameras(tmp_path / "a.mat", sizes={"": (1152, 1024)})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.mat: cannot be read"):
        read_given_cameras(tmp_path / "a.mat")


@pytest.mark.real_data
def test_real_labels_of_dannce_reproject(real_data: Path) -> None:
    path = real_data / "dannce_labels" / "markerless_mouse_1_label3d_dannce.mat"
    cameras, _ = read_given_cameras(path, sizes={"": (1152, 1024)})
    labels = scipy.io.loadmat(path, struct_as_record=False)["labelData"]
    assert list(cameras) == [f"Camera{number}" for number in range(1, 7)]
    for camera, cell in zip(cameras.values(), labels[:, 0], strict=True):
        points, pixels = cell[0, 0].data_3d.reshape(-1, 3), cell[0, 0].data_2d.reshape(-1, 2) - 1
        errors = np.linalg.norm(project_through_lens(camera, points) - pixels, axis=1)
        assert np.isfinite(errors).sum() > 1700
        assert np.nanmedian(errors) < 1e-6
        assert np.nanmax(errors) < 1e-6
