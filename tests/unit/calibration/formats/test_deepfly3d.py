"""Pickles as DeepFly3D writes them, and pickles that would do harm."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import make_points, make_rig, see

SIZE = {"": (960, 480)}


def make_result(key: type = int) -> dict[Any, Any]:
    rig = make_rig([str(number) for number in range(7)])
    cameras = {
        key(index): {
            "R": camera.rotation,
            "tvec": camera.translation,
            "intr": camera.matrix,
            "distort": np.array([*camera.k[:2], *camera.p, camera.k[2]]),
        }
        for index, camera in enumerate(rig)
    }
    return cameras | {"points3d": np.zeros((5, 38, 3)), "camera_ordering": np.arange(7), "meta": None}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("key", [int, np.int64])
def test_cameras_are_read_from_pickles_of_all_ages(tmp_path: Path, protocol: int, key: type) -> None:
    data = pickle.dumps(make_result(key), protocol)
    # Before version 2, NumPy's private parts had another name.
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if protocol < 4 else data
    for content in (data, old):
        (tmp_path / "df3d_result.pkl").write_bytes(content)
        cameras, _ = read_given_cameras(tmp_path / "df3d_result.pkl", sizes=SIZE)
        assert list(cameras) == [str(number) for number in range(7)]
        for known in make_rig(list(cameras)):
            assert np.abs(project_through_lens(cameras[known.name], make_points()) - see(known, make_points())).max() < 1e-9


class Harm:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_something_is_refused_before_it_does(tmp_path: Path, protocol: int) -> None:
    harm = pickle.dumps(make_result() | {"meta": Harm(tmp_path / "harmed")}, protocol)
    (tmp_path / "a.pkl").write_bytes(harm)
    with pytest.raises(InputError, match=r"a\.pkl: the pickle names posix\.system"):
        read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)
    assert not (tmp_path / "harmed").exists()
    pickle.loads(harm)
    assert (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "harm",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy.core.multiarray\nfrombuffer\n.",
        b"cnumpy\nload\n.",
        b"c_codecs\nencode\n(S'abc'\nS'zip'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I1000000000000000000\ntS'd'\ntR.",
    ],
)
def test_other_names_and_endless_arrays_are_refused(tmp_path: Path, harm: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(harm)
    with pytest.raises(InputError, match=r"a\.pkl: (the pickle names|is not a pickle, or damaged|has no cameras)"):
        read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


def make_dtype(text: bytes, state: bytes) -> bytes:
    """A kind of array elements that a pickle makes and then gives a state."""
    return b"cnumpy\ndtype\n(V" + text + b"\nI00\nI01\ntR" + state + b"b"


PLAIN = b"(I3\nV<\nNNNI-1\nI-1\nI0\nt"
OBJECTS_WITHIN = [
    b"(I3\nV|\nN(Va\nt(dVa\n(" + make_dtype(b"O8", b"(I3\nV|\nNNNI-1\nI-1\nI63\nt") + b"I0\ntsI8\nI1\nI" + flags + b"\nt"
    for flags in (b"0", b"16")
]
HARMFUL_ARRAYS = {
    **{f"fields of objects {index}": make_dtype(b"V8", state) for index, state in enumerate(OBJECTS_WITHIN)},
    "objects": make_dtype(b"O8", PLAIN),
    "fields of a plain kind": make_dtype(b"f8", OBJECTS_WITHIN[0]),
    "text": make_dtype(b"U2", PLAIN),
    "a size that no number has": make_dtype(b"f1000000000", PLAIN),
}


@pytest.mark.parametrize("kind", HARMFUL_ARRAYS)
@pytest.mark.parametrize(
    "call", ["cnumpy._core.numeric\n_frombuffer\n(%b%b(I1\ntVC\ntR", "cnumpy._core.multiarray\nscalar\n(%.0b%bVxxxxxxxx\ntR"]
)
def test_bytes_are_never_taken_for_objects(tmp_path: Path, kind: str, call: str) -> None:
    harm = b"(dVa\n" + call.encode() % (b"Vxxxxxxxx\n", HARMFUL_ARRAYS[kind]) + b"s."
    (tmp_path / "a.pkl").write_bytes(harm)
    with pytest.raises(InputError, match=r"a\.pkl: the pickle has an array of"):
        read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


def test_an_array_has_the_bytes_of_its_shape(tmp_path: Path) -> None:
    data = pickle.dumps(make_result() | {"order": np.asfortranarray(np.arange(6.0).reshape(2, 3))}, 2)
    for shape in (b"K\x03K\x04\x86", b"K\x03J\xff\xff\xff\xff\x86", b"K\x03J\xff\xff\xff\x7f\x86"):
        (tmp_path / "a.pkl").write_bytes(data.replace(b"K\x03K\x03\x86", shape))
        with pytest.raises(InputError, match="is not a pickle, or damaged"):
            read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


def test_what_a_pickle_calls_keeps_its_own_state(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"cnumpy\ndtype\n(N(dV_make\nI1\nst" + b"b.")
    with pytest.raises(InputError, match="is not a pickle, or damaged"):
        read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(make_result()))
    assert read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


def test_lists_that_double_are_counted_first(tmp_path: Path) -> None:
    doubled: list[Any] = [0.0]
    for _ in range(27):
        doubled = [doubled, doubled]
    endless: list[Any] = []
    endless.append(endless)
    for values in (doubled, endless, [0.0] * 1_000_000):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(make_result() | {2: make_result()[2] | {"distort": values}}))
        with pytest.raises(InputError, match="camera '2': 'distort' is not numbers"):
            read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


def test_a_pickle_that_ends_its_process_or_takes_all_memory_is_refused(tmp_path: Path) -> None:
    crash = b"(" + b"(" * 300_000 + b"t" * 300_000 + b"I1\nd."  # a key whose hash needs more of the stack than there is
    huge = b"I1\nr\xff\xff\xff\xff."  # a place in the memo for which 32 GB are asked
    for harm in (crash, huge):
        (tmp_path / "a.pkl").write_bytes(harm)
        with pytest.raises(InputError, match="damaged"):
            read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.95])
def test_a_truncated_pickle_is_refused(tmp_path: Path, share: float) -> None:
    data = pickle.dumps(make_result())
    (tmp_path / "a.pkl").write_bytes(data[: max(1, int(share * len(data)))])
    with pytest.raises(InputError, match="is not a pickle, or damaged"):
        read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "has no cameras"),
        ({"points2d": np.zeros(3)}, "has no cameras"),
        ({0: {"intr": np.eye(3)}, 1: {"intr": np.eye(3)}}, "camera '0': 'distort' is missing"),
        (make_result() | {2: make_result()[2] | {"R": "x"}}, "camera '2': 'R' is not 3x3 numbers"),
        (
            make_result() | {2: make_result()[2] | {"tvec": np.full(3, np.inf)}},
            "camera '2': translation contains a number that is not finite",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=message):
        read_given_cameras(tmp_path / "a.pkl", sizes=SIZE)


def test_the_size_has_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(make_result()))
    with pytest.raises(InputError, match="camera '0': the file does not say for which picture size it is; give the width and height"):
        read_given_cameras(tmp_path / "a.pkl")
