import numpy as np

from bkind3d.export.csv_files import spell_names, write_csv


def test_a_rounded_column_has_its_decimals_and_its_gaps(tmp_path):
    values = np.array([1.005, -0.004, np.nan, 1234567.891, -2.5], np.float32)
    write_csv(tmp_path / "a.csv", "a,b", [np.arange(5), values], (None, 2))
    assert (tmp_path / "a.csv").read_text().split() == ["a,b", "0,1.00", "1,0.00", "2,", "3,1234567.88", "4,-2.50"]


def test_names_that_csv_cannot_hold_are_spelt_otherwise(tmp_path):
    names = ["left knee", "a-b", "=1+2", "+x", "-y", "@z", 'a,"b"\n']
    assert spell_names(names) == ["left knee", "a-b", "_1+2", "_x", "_y", "_z", "a__b__"]
    write_csv(tmp_path / "a.csv", "name", [np.array(spell_names(names))])
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 8
