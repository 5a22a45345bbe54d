from bkind3d.data.parquet import read_table
from tests.unit.scenes import write_session


def test_only_the_wanted_frames_are_read(tmp_path):
    table = read_table(write_session(tmp_path, "one", n_frames=12)[0], "frames", columns=["frame", "image"], frames=[9, 2, 50])
    assert list(table.columns) == ["frame", "image"]
    assert table["frame"].tolist() == [2, 9]
