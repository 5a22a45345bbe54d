"""Joints as other programs write them."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pymatreader
import pytest
import scipy.io
from scipy.spatial.transform import Rotation

from bkind3d.config import InputError
from bkind3d.data.joint_files import read_joints

NAMES = ["nose", "tail base", "paw"]
POINTS = np.random.default_rng(0).normal(0, 100, (4, 3, 3))
POINTS[2, 1] = np.nan


def write_anipose(path: Path, turn: np.ndarray, centre: np.ndarray) -> Path:
    shown = POINTS @ turn.T - centre
    columns: dict[str, object] = {}
    for index, name in enumerate(NAMES):
        columns |= {f"{name}_{axis}": shown[:, index, number] for number, axis in enumerate("xyz")}
        columns |= {f"{name}_error": 1.0, f"{name}_ncams": 3, f"{name}_score": 0.9}
    columns |= {f"M_{row}{column}": turn[row, column] for row in range(3) for column in range(3)}
    columns |= {f"center_{axis}": centre[axis] for axis in range(3)}
    pd.DataFrame(columns | {"fnum": np.arange(4) + 7}).to_csv(path, index=False)
    return path


def write_deeplabcut(path: Path, axes: str = "xyz", index: list[object] | None = None, individuals: tuple[str, ...] = ()) -> Path:
    levels = [("dlc", *(("rat",) if individuals else ()), name, axis) for name in NAMES for axis in axes]
    names = ["scorer", *(["individuals"] if individuals else []), "bodyparts", "coords"]
    table = pd.DataFrame(POINTS[:, :, : len(axes)].reshape(4, -1), columns=pd.MultiIndex.from_tuples(levels, names=names))
    table.set_axis(index or range(4)).to_csv(path)
    return path


def write_sleap(path: Path, tracks: np.ndarray, names: bool = True) -> Path:
    with h5py.File(path, "w") as file:
        file["tracks"] = tracks
        if names:
            file["node_names"] = np.array(NAMES, dtype="S")
    return path


def write_label3d(path: Path, base: int) -> Path:
    labels, sync = np.empty((2, 1), dtype=object), np.empty((2, 1), dtype=object)
    for camera in range(2):
        labels[camera, 0] = {"data_3d": POINTS.reshape(4, 9), "data_frame": np.array([[3], [5], [6], [9]]) + base}
        sync[camera, 0] = {"data_frame": np.arange(20)[:, None] + base}
    scipy.io.savemat(path, {"labelData": labels, "sync": sync})
    return path


def check(path: Path, frames: list[int], names: list[str] = NAMES) -> None:
    table = read_joints(path, "mm")
    assert table["frame"].tolist() == np.repeat(frames, 3).tolist()
    assert table["joint"].tolist() == names * 4
    np.testing.assert_allclose(table[["x", "y", "z"]].to_numpy().reshape(4, 3, 3), POINTS, atol=1e-6)


def test_anipose_is_put_back_into_the_world_of_its_calibration(tmp_path: Path) -> None:
    check(write_anipose(tmp_path / "a.csv", np.eye(3), np.zeros(3)), [7, 8, 9, 10])
    turn = Rotation.from_rotvec([0.3, -1.1, 0.4]).as_matrix()
    check(write_anipose(tmp_path / "b.csv", turn, np.array([10.0, -20, 30])), [7, 8, 9, 10])


@pytest.mark.parametrize("individuals", [(), ("rat",)])
def test_deeplabcut_in_3d(tmp_path: Path, individuals: tuple[str, ...]) -> None:
    check(write_deeplabcut(tmp_path / "a.csv", individuals=individuals), [0, 1, 2, 3])
    pictures: list[object] = [f"labeled-data/a/img{number:03}.png" for number in (4, 6, 8, 12)]
    check(write_deeplabcut(tmp_path / "b.csv", index=pictures), [4, 6, 8, 12])


def test_sleap_anipose(tmp_path: Path) -> None:
    check(write_sleap(tmp_path / "a.h5", POINTS[:, None]), [0, 1, 2, 3])
    check(write_sleap(tmp_path / "b.h5", POINTS[:, None], names=False), [0, 1, 2, 3], ["node0", "node1", "node2"])


@pytest.mark.parametrize("base", [0, 1])
def test_label3d_counts_from_where_its_videos_do(tmp_path: Path, base: int) -> None:
    check(write_label3d(tmp_path / "a.mat", base), [3, 5, 6, 9], ["joint1", "joint2", "joint3"])


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", "frame,joint,x,y,z\n0,nose,1.5,2,3\n1,nose,,,\n"), ("a.txt", "Frame;Joint;X;Y;Z;\n0;nose;1,5;2;3;\n1;nose;;;;\n")],
)
def test_a_text_has_the_columns_of_the_table(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    table = read_joints(tmp_path / name, "mm")
    assert table[["frame", "joint"]].to_numpy().tolist() == [[0, "nose"], [1, "nose"]]
    np.testing.assert_allclose(table[["x", "y", "z"]], [[1.5, 2, 3], [np.nan] * 3])


def test_axes_and_up_count_for_all_formats(tmp_path: Path) -> None:
    path = write_sleap(tmp_path / "a.h5", POINTS[:, None])
    table = read_joints(path, "mm", "ZXY")
    np.testing.assert_allclose(table[["x", "y", "z"]].to_numpy().reshape(4, 3, 3), POINTS[:, :, [2, 0, 1]])


def test_pixels_of_one_camera_are_refused(tmp_path: Path) -> None:
    for path in (
        write_deeplabcut(tmp_path / "a.csv", "xy"),
        write_sleap(tmp_path / "analysis.h5", POINTS[:, :, :2].T[None].transpose(0, 1, 2, 3)),
    ):
        with pytest.raises(InputError, match="holds points in pixels of one camera.*; triangulate them first"):
            read_joints(path, "mm")


@pytest.mark.parametrize(
    ("name", "content"), [("a.h5", b"hello"), ("a.mat", b"hello"), ("a.csv", b"a,b\n1,2\n"), ("a.csv", b""), ("a.xyz", b"1 2 3")]
)
def test_what_is_none_of_these_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read_joints(tmp_path / name, "mm")
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_the_real_mouse_of_sleap_anipose(real_data: Path) -> None:
    table = read_joints(real_data / "sleap_anipose/points3d.h5", "mm")
    assert (len(table), table["joint"].nunique(), table["frame"].max()) == (1800, 15, 119)


def test_the_real_mouse_of_label3d_agrees_with_its_own_pixels(real_data: Path) -> None:
    from bkind3d.calibration.formats.reading import read_given_cameras
    from bkind3d.geometry.lenses import project_through_lens

    path = real_data / "dannce_labels/markerless_mouse_1_label3d_dannce.mat"
    table = read_joints(path, "mm")
    assert table["frame"].unique()[:4].tolist() == [27, 72, 168, 230]
    cameras, _ = read_given_cameras(path, sizes={"": (1152, 1024)})
    labels = pymatreader.read_mat(path, variable_names=["labelData"])["labelData"]
    for camera, label in zip(cameras.values(), labels, strict=True):
        shown = project_through_lens(camera, table[["x", "y", "z"]].to_numpy())
        # MATLAB's first pixel is (1, 1).
        errors = np.linalg.norm(shown - (np.asarray(label["data_2d"]).reshape(-1, 2) - 1), axis=1)
        assert np.nanmedian(errors) < 1.0


@pytest.mark.parametrize(
    ("name", "said"), [("a.slp", "sleap-anipose.*points3d.h5"), ("df3d_result.pkl", "DeepFly3D.*points3d into a .csv")]
)
def test_what_is_not_read_says_what_to_give_in_its_place(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=said):
        read_joints(tmp_path / name, "mm")


def test_deeplabcuts_own_hdf5_asks_for_its_csv(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("df_with_missing")
    with pytest.raises(InputError, match=r"DeepLabCut's own kind of HDF5; save it as \.csv"):
        read_joints(tmp_path / "a.h5", "mm")
