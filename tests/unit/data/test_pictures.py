"""Pictures are read in pieces: as much memory as allowed, damage by name, blank cameras."""

import logging
import pickle
import resource
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bkind3d.config import InputError
from bkind3d.data import pictures
from bkind3d.data.datasets import PairDataset, SessionFrames
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.pictures import PictureCache, PictureFile
from tests.unit.scenes import write_session


@pytest.fixture
def small_groups(monkeypatch) -> None:
    monkeypatch.setattr("bkind3d.data.parquet.PICTURE_ROWS", 4)


def rewrite(path, table) -> None:
    write_table(table, "frames", path, {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")})


def test_any_row_of_any_group_is_the_stored_picture(tmp_path, small_groups) -> None:
    path = write_session(tmp_path, "one", n_frames=11)[0]
    stored, file = read_table(path, "frames"), PictureFile(path)
    assert pictures.CACHE.open(file.path, file.written).metadata.num_row_groups == 3
    for row in (10, 0, 3, 4, 7, 8):
        copy = pickle.loads(pickle.dumps(file))
        image, mask = copy.decode(row), copy.decode_mask(row)
        assert np.array_equal(image, cv2.imdecode(np.frombuffer(stored["image"][row], np.uint8), cv2.IMREAD_COLOR_RGB))
        assert np.array_equal(mask, cv2.imdecode(np.frombuffer(stored["mask"][row], np.uint8), cv2.IMREAD_GRAYSCALE))


def test_memory_stays_within_its_limit_and_samples_are_the_same(tmp_path, small_groups, monkeypatch) -> None:
    paths = write_session(tmp_path, "one", n_frames=40)
    dataset = PairDataset([SessionFrames(paths)], {"one": np.zeros(40, np.float32)}, 30, seed=0, distance=2)
    monkeypatch.setattr(pictures, "CACHE", PictureCache())
    free = [dataset[index][1].views.images for index in range(30)]
    needed = pictures.CACHE.n_bytes
    cache = PictureCache(needed // 4)
    monkeypatch.setattr(pictures, "CACHE", cache)
    for index in range(30):
        assert torch.equal(dataset[index][1].views.images, free[index])
        assert 0 < cache.n_bytes <= cache.limit
    cache.clear(5)
    assert (cache.n_bytes, cache.limit) == (0, 5)


def test_however_many_cameras_there_are_few_files_are_open(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MOST_OPEN", 4)
    monkeypatch.setattr(pictures, "CACHE", PictureCache(1))
    paths = [path for number in range(4) for path in write_session(tmp_path, f"s{number}", n_frames=2)]
    before = len(list(Path("/proc/self/fd").iterdir()))
    files = [PictureFile(path) for path in paths]
    assert all(file.decode(1).shape == (48, 48, 3) for file in files)
    assert len(list(Path("/proc/self/fd").iterdir())) - before == 4


def test_where_few_files_may_be_open_fewer_are(tmp_path, monkeypatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    paths = [path for number in range(40) for path in write_session(tmp_path, f"s{number}", n_frames=2)]
    few = len(list(Path("/proc/self/fd").iterdir())) + len(paths) - 5
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        monkeypatch.setattr(pictures, "CACHE", PictureCache())
        for file in [PictureFile(path) for path in paths]:
            file.decode(0)
        assert pictures.CACHE.open.cache_info().currsize == few // 4
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_damaged_row_group_is_named_and_the_others_are_read(tmp_path, small_groups) -> None:
    path = write_session(tmp_path, "one", n_frames=12)[1]
    column = pq.ParquetFile(path).metadata.row_group(1).column(5)
    assert column.path_in_schema == "image"
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 0xFF
    path.write_bytes(content)
    file = PictureFile(path)
    file.decode(0)
    file.decode(11)
    with pytest.raises(InputError, match=r"cam1.parquet: row group 1 \(rows 4 to 7\) is damaged \(.*\); delete the file and run again"):
        file.decode(5)


def test_a_picture_that_is_none_is_named(tmp_path) -> None:
    path = write_session(tmp_path, "one")[0]
    table = read_table(path, "frames")
    table.at[7, "image"] = b"no picture"
    rewrite(path, table)
    with pytest.raises(InputError, match="the picture in row 7 cannot be decoded"):
        PictureFile(path).decode(7)


def make_blank(path) -> None:
    table = read_table(path, "frames")
    grey = cv2.imencode(".jpg", np.full((48, 48, 3), 90, np.uint8))[1].tobytes()
    rewrite(path, table.assign(image=[grey] * len(table)))


def test_a_camera_of_one_colour_is_left_out_and_told(tmp_path, caplog) -> None:
    paths = write_session(tmp_path, "one")
    make_blank(paths[1])
    with caplog.at_level(logging.WARNING):
        session = SessionFrames(paths)
    assert "session one: the pictures of cam1 show one colour; it is left out" in caplog.text
    assert session.decode(np.array([0])).present.tolist() == [[True, False, True]]
    make_blank(paths[2])
    with pytest.raises(InputError, match="session one has no frame in which two cameras see the subject"):
        SessionFrames(paths)


def test_a_session_without_frames_is_refused(tmp_path) -> None:
    paths = write_session(tmp_path, "one")
    for path in paths:
        rewrite(path, read_table(path, "frames")[:0])
    with pytest.raises(InputError, match="session one has no frame"):
        SessionFrames(paths)
