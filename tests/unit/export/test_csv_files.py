import numpy as np

from bkind3d.export.csv_files import write_csv


def test_a_rounded_column_has_its_decimals_and_its_gaps(tmp_path):
    values = np.array([1.005, -0.004, np.nan, 1234567.891, -2.5], np.float32)
    write_csv(tmp_path / "a.csv", "a,b", [np.arange(5), values], (None, 2))
    assert (tmp_path / "a.csv").read_text().split() == ["a,b", "0,1.00", "1,0.00", "2,", "3,1234567.88", "4,-2.50"]
