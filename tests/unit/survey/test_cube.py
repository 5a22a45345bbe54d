from pathlib import Path

import pandas as pd
import pytest

from bkind3d.config import InputError, LocationConfig
from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import write_empty, write_table
from bkind3d.data.results import read_json, write_json
from bkind3d.survey.cube import measure_cube, remark_sizes

SIZES = {"one": 200.0, "two": 210.0, "three": 900.0}


def write_places(folder: Path, sizes: dict[str, float], units: str = "mm") -> dict[str, Path]:
    table = pd.DataFrame({"frame": [0], "time_s": 0.0, "x": 0.0, "y": 0.0, "z": 0.0, "n_views": 2, "residual": 0.0, "valid": True})
    for session, size in sizes.items():
        write_table(table, "location", folder / f"{session}.parquet", {"extent": size, "units": units})
    return {session: folder / f"{session}.parquet" for session in sizes}


def test_one_bad_session_does_not_widen_the_cube_and_is_named(tmp_path: Path) -> None:
    (remark,) = measure_cube(LocationConfig(side_margin=1.1), write_places(tmp_path, SIZES), tmp_path / "cube.json")
    assert read_cube(tmp_path / "cube.json", "mm") == 230
    assert "larger than the cube (230 mm) in three (900)" in remark
    assert read_json(tmp_path / "cube.json")["remarks"] == [remark]


def test_rigs_of_other_units_have_the_same_cube(tmp_path: Path) -> None:
    places = write_places(tmp_path, {"one": 200.0}) | write_places(tmp_path, {"two": 0.2, "three": 0.2}, "m")
    assert measure_cube(LocationConfig(side_margin=1), places, tmp_path / "cube.json") == []
    assert read_cube(tmp_path / "cube.json", "mm") == pytest.approx(200)
    assert read_cube(tmp_path / "cube.json", "m") == pytest.approx(0.2)


def test_a_given_side_is_taken_as_it_is_in_every_unit_and_a_small_body_is_told(tmp_path: Path) -> None:
    (remark,) = measure_cube(LocationConfig(side=433.21), write_places(tmp_path, {"one": 200.0}), tmp_path / "cube.json")
    assert read_cube(tmp_path / "cube.json", "mm") == read_cube(tmp_path / "cube.json", "m") == 433.21
    assert "fills less than a quarter of a picture of the cube (433 mm) in one (200)" in remark


def test_bodies_that_fit_are_not_told_of() -> None:
    assert remark_sizes({"one": 100.0, "two": 199.0}, 200, "mm") == []
    assert len(remark_sizes({"one": 201.0}, 200, "mm")) == 1
    assert remark_sizes({"one": 390.0}, 200, "mm", given=True) == []
    assert len(remark_sizes({"one": 410.0}, 200, "mm", given=True)) == 1


def test_what_is_no_cube_is_refused(tmp_path: Path) -> None:
    write_json({"side": None, "units": "mm"}, tmp_path / "cube.json")
    with pytest.raises(InputError, match="holds no cube"):
        read_cube(tmp_path / "cube.json", "mm")
    table = write_places(tmp_path, {"one": 1.0})
    write_table(pd.read_parquet(table["one"]), "location", table["one"], {"units": "mm"})
    with pytest.raises(InputError, match="does not say how large the subject is"):
        measure_cube(LocationConfig(), table, tmp_path / "cube.json")


def test_a_session_that_failed_measures_no_cube(tmp_path: Path) -> None:
    good, lost, output = tmp_path / "good.parquet", tmp_path / "lost.parquet", tmp_path / "cube.json"
    write_empty("location", good, {"extent": 100.0, "units": "mm"})
    write_empty("location", lost, {"extent": None, "units": "", "failed": "camera cam2: no video"})
    measure_cube(LocationConfig(), {"lost": lost, "good": good}, output)
    assert read_cube(output, "mm") == pytest.approx(120)
    with pytest.raises(InputError, match="session lost: camera cam2: no video"):
        measure_cube(LocationConfig(), {"lost": lost}, output)
