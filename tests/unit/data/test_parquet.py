import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bkind3d.config import InputError
from bkind3d.data.parquet import hash_content, open_table, read_metadata, read_table, write_table
from tests.unit.scenes import write_session

EDGES = pd.DataFrame({"keypoint_a": ["a", "b"] * 40, "keypoint_b": ["c", "d"] * 40, "weight": np.arange(80, dtype=np.float32)})
NOTED = {"units": "mm", "side": 180.5}


@pytest.fixture
def path(tmp_path):
    write_table(EDGES, "edges", tmp_path / "edges.parquet", NOTED)
    return tmp_path / "edges.parquet"


def read(path):
    return read_table(path, "edges"), read_metadata(path)


def test_only_the_wanted_frames_are_read(tmp_path):
    table = read_table(write_session(tmp_path, "one", n_frames=12)[0], "frames", columns=["frame", "image"], frames=[9, 2, 50])
    assert list(table.columns) == ["frame", "image"]
    assert table["frame"].tolist() == [2, 9]


def test_no_flipped_bit_changes_what_is_read(path):
    data, found = path.read_bytes(), {"same": 0, "refused": 0}
    rng = np.random.default_rng(0)
    for place in rng.choice(len(data), 400, replace=False):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            table, noted = read(path)
        except InputError as error:
            assert "\n" not in str(error) and str(path) in str(error)
            found["refused"] += 1
            continue
        assert table.equals(EDGES) and noted.items() >= NOTED.items()
        found["same"] += 1
    assert found["refused"] > 300


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.6, 0.9, 0.99, 0.999])
def test_a_truncated_table_is_refused(path, share):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for call in (lambda: read_table(path, "edges"), lambda: read_metadata(path)):
        with pytest.raises(InputError, match="cannot be read as Parquet"):
            call()


def test_a_seal_is_none_of_what_a_table_is_known_by(path, tmp_path):
    data = path.read_bytes()
    start = data.index(b"bkind3d\0")
    unsealed = tmp_path / "before.parquet"
    unsealed.write_bytes(data[:start] + data[start + 40 :])
    assert read(unsealed)[0].equals(EDGES)
    assert hash_content(path) == hash_content(unsealed) == hashlib.sha256(unsealed.read_bytes()).hexdigest()
    assert pd.read_parquet(path).equals(EDGES)


def test_a_table_of_several_parts_is_sealed(tmp_path):
    with open_table("edges", tmp_path / "a.parquet") as add_rows:
        add_rows(EDGES)
        add_rows(EDGES)
    assert len(read(tmp_path / "a.parquet")[0]) == 160 and pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 2


def test_metadata_that_are_none_are_refused(tmp_path):
    for value in (b"\xff", b"{"):
        table = pa.table(dict(EDGES)).replace_schema_metadata({b"bkind3d.units": value})
        pq.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet"):
            read_metadata(tmp_path / "a.parquet")


def test_what_is_no_file_is_refused(tmp_path):
    for path in ("/dev/zero", tmp_path, tmp_path / "missing", "a\0b"):
        with pytest.raises(InputError, match=r"cannot be read \(there is no such file\); check the path"):
            read_table(path, "edges")
