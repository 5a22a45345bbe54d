from pathlib import Path

from bkind3d.cli import main
from bkind3d.data.parquet import read_metadata, read_table


def test_joints_are_imported(tmp_path: Path) -> None:
    rows = "PathFileType\t4\nDataRate\tUnits\n60\tm\nFrame#\tTime\tHip\t\t\n\t\tX1\tY1\tZ1\n1\t0\t1\t2\t3\n"
    (tmp_path / "a.trc").write_text(rows)
    command = f"import-joints {tmp_path}/a.trc --units mm --axes ZXY --rate 60 --output {tmp_path}/a.parquet"
    assert main(command.split()) == 0
    assert read_table(tmp_path / "a.parquet", "joints").to_numpy().tolist() == [[0, "Hip", 3000.0, 1000.0, 2000.0]]
    assert read_metadata(tmp_path / "a.parquet")["units"] == "mm"
