"""The error budget: truth takes the place of what the survey and the location found, and headings are read from it."""

import cv2
import numpy as np
import pandas as pd
import pytest

from benchmarks.error_budget import CUBES, SILHOUETTES, describe_silhouette, give_location, give_silhouettes, make_table, measure_side
from benchmarks.judge import Errors
from benchmarks.true_headings import TrueDiscoveryExperiment, TrueSupervisedExperiment
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import TABLES, read_metadata, read_table, write_table
from bkind3d.survey.silhouettes import decode_mask
from bkind3d.training.module import Training
from tests.unit.scenes import write_session


def draw_disc(size: int, x: int, y: int, radius: int) -> np.ndarray:
    return cv2.circle(np.zeros((size, size), np.uint8), (x, y), radius, 255, -1)


def test_a_silhouette_is_one_cluster() -> None:
    mask = draw_disc(64, 20, 30, 5)
    mask[30, 40] = 255  # apart from the disc
    row = describe_silhouette(mask)
    assert row["area"] == np.count_nonzero(mask)
    assert (row["box_x0"], row["box_y0"], row["box_x1"], row["box_y1"]) == (15, 25, 40, 35)
    assert (row["centroid_x"], row["centroid_y"]) == pytest.approx((np.nonzero(mask)[1].mean(), np.nonzero(mask)[0].mean()))
    assert row["clusters"] == [row[name] for name in ("area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1")]
    empty = describe_silhouette(np.zeros((4, 4), np.uint8))
    assert empty["area"] == 0 and empty["clusters"] == [] and np.isnan(empty["centroid_x"])


def test_true_silhouettes_take_the_place_of_those_found(tmp_path) -> None:
    numbers = {column: 1.0 for column in TABLES["survey"]}
    nothing = {"fault": "covered", "mask": b"", "shadows": b"", "clusters": []}
    rows = [numbers | {"frame": f, "video_frame": f, "time_s": f / 10, **nothing} for f in range(3)]
    write_table(pd.DataFrame(rows), "survey", tmp_path / "survey.parquet", {"width": 32, "height": 32, "rate": 10})
    truth = [(f, camera, cv2.imencode(".png", draw_disc(64, 20 + 2 * f, 40, 6))[1].tobytes()) for f in range(3) for camera in ("a", "b")]
    write_table(pd.DataFrame(truth, columns=["frame", "camera", "mask"]), "silhouettes", tmp_path / "truth.parquet")
    give_silhouettes(tmp_path / "survey.parquet", tmp_path / "truth.parquet", "b")
    survey = read_table(tmp_path / "survey.parquet", "survey")
    assert survey["centroid_x"].tolist() == pytest.approx([9.75, 10.75, 11.75], abs=0.3)
    assert survey["centroid_y"].tolist() == pytest.approx([19.75] * 3, abs=0.3)
    assert (survey["fault"] == "").all() and survey["time_s"].tolist() == [0, 0.1, 0.2]
    assert decode_mask(survey["mask"][0]).shape == (32, 32)
    assert survey["area"][0] == np.count_nonzero(decode_mask(survey["mask"][0]))
    assert read_metadata(tmp_path / "survey.parquet")["rate"] == 10


def test_the_true_cube_holds_the_joints_in_any_turn() -> None:
    joints = np.array([[[60.0, 0, 0], [-60, 0, 0], [0, 0, 30], [0, 0, -30]]])
    assert measure_side(joints) == pytest.approx(2 * 1.1 * 60)
    turned = joints @ np.array([[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1]])
    assert measure_side(turned) == pytest.approx(measure_side(joints))


def test_true_centres_take_the_place_of_those_found(tmp_path) -> None:
    found = pd.DataFrame({"frame": [0, 1], "time_s": [0, 0.1], "x": [1.0, np.nan], "y": 2.0, "z": 3.0, "n_views": 4, "residual": 0.1})
    write_table(found.assign(valid=[True, False]), "location", tmp_path / "location.parquet", {"extent": 99, "units": "mm"})
    poses = pd.DataFrame({"frame": [1, 0], "x": [11.0, 10.0], "y": [21.0, 20.0], "z": [31.0, 30.0], "heading": 0.0})
    write_table(poses, "poses", tmp_path / "poses.parquet")
    give_location(tmp_path / "location.parquet", tmp_path / "poses.parquet", 120.0)
    location = read_table(tmp_path / "location.parquet", "location")
    assert location[["x", "y", "z"]].to_numpy().tolist() == [[10, 20, 30], [11, 21, 31]]
    assert location["valid"].all()
    assert {key: read_metadata(tmp_path / "location.parquet")[key] for key in ("extent", "units")} == {"extent": 100.0, "units": "mm"}


@pytest.mark.parametrize("kind", [TrueDiscoveryExperiment, TrueSupervisedExperiment])
def test_headings_are_those_of_the_truth(tmp_path, kind) -> None:
    session = SessionFrames(write_session(tmp_path, "one"))
    headings = np.linspace(-3, 3, len(session))
    truth = pd.DataFrame({"frame": session.frames, "x": 0.0, "y": 0.0, "z": 0.0, "heading": headings})
    write_table(truth.iloc[::-1], "poses", tmp_path / "one_poses.parquet")
    model = {"volume_size": 8, "volume_channels": 4, "volume_levels": 1, "truth": str(tmp_path / "{session}_poses.parquet")}
    config = kind.model_validate({"frames": "subject", "model": model})
    module = Training(config, ["nose", "tail"] if config.description.role == "supervised" else ())
    found = module.model.prepare([session], config.training)
    assert found["one"] == pytest.approx(headings)
    assert module.model.find_headings(session) == pytest.approx(headings)
    if config.description.role == "discovered":
        assert module.model.detector.places.abs().max() > 0  # found with these headings


def test_a_row_says_what_the_row_above_lost() -> None:
    index = pd.MultiIndex.from_tuples([("s", n, n / 10) for n in range(40)], names=["session", "frame", "time_s"])
    columns = {"as it is": 9.0, SILHOUETTES: 7.0, CUBES: 6.5, "mean_pose": 12.0, "oracle_4": 5.0, "oracle_8": 3.0}
    errors = Errors(pd.DataFrame(columns, index=index), {"as it is": 0.25, SILHOUETTES: 0, CUBES: 0})
    table = make_table("rat", errors).set_index("what")
    assert list(table.index) == ["as it is", SILHOUETTES, CUBES, "oracle_4", "oracle_8"]
    assert table.loc[SILHOUETTES, "minus the row above"].startswith("-2.00")
    assert table.loc[CUBES, "so much is lost by"] == "location"
    assert table.loc[SILHOUETTES, "minus oracle_8"].startswith("4.00")
    assert table["no answer %"].tolist() == ["25.0", "0.0", "0.0", "", ""]
