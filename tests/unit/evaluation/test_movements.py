"""Clusters of movement: known movements are told apart, wherever, whichever way round and however large the animal is."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from bkind3d.config import InputError, MovementsConfig, parse_section
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.evaluation import movements
from bkind3d.evaluation.movements import find_movements
from tests.unit.evaluation.test_verbs import run

#: Movements of one second each.
KINDS = ("nod", "rear", "walk")
CONFIG = MovementsConfig(window_seconds=0.4, n_clusters=3, n_components=6)


def make_movements(make, n_seconds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (frame, keypoint, xyz) of a body that nods, rears or walks, a second at a time, and which it does."""
    generator = np.random.default_rng(seed)
    kinds = np.repeat(generator.permutation(np.resize(KINDS, n_seconds)), round(make.rate))
    time = np.arange(len(kinds)) / make.rate
    body = np.array([[60, 0, 20], [20, 0, 25], [-20, 8, 25], [-60, 0, 15]], dtype=float)
    poses = np.repeat(body[None], len(kinds), axis=0)
    poses[:, 0, 2] += np.where(kinds == "nod", 25 * np.sin(2 * np.pi * 4 * time), 0)
    poses[:, :2, 2] += np.where(kinds == "rear", 60.0, 0)[:, None] * [1.0, 0.5]
    poses[:, :, 0] += np.cumsum(np.where(kinds == "walk", 8.0, 0))[:, None]
    return poses + generator.normal(size=poses.shape) * 0.5, kinds


def place(poses: np.ndarray, angle: float, size: float) -> np.ndarray:
    """The same poses elsewhere, turned about the vertical, of another size."""
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return size * poses @ turn.T + [300.0, -700.0, 10.0]


@pytest.fixture
def files(make, tmp_path):
    """Keypoints and behaviours of two sessions: an animal, and one that is elsewhere, turned and twice as large."""
    keypoints, behaviours = {}, {}
    for number, session in enumerate(("one", "two")):
        poses, kinds = make_movements(make, 18, seed=number)
        keypoints[session] = make.keypoints(tmp_path / f"k_{session}.parquet", place(poses, 2.0, 2.0) if number else poses)
        behaviours[session] = make.behaviours(tmp_path / f"b_{session}.parquet", kinds)
    return keypoints, behaviours


def inner(table: pd.DataFrame, rate: float) -> pd.DataFrame:
    """The windows in which only one movement is."""
    return table[(table["start"] // rate) == (table["stop"] // rate)]


def test_known_movements_are_found(files, make):
    found = find_movements(*files, CONFIG)
    pure = inner(found.windows, make.rate)
    assert len(pure) > 60
    assert adjusted_mutual_info_score(pure["behaviour"], pure["cluster"]) > 0.95
    agreement = found.summary["agreement"]
    assert agreement["n_windows"] == len(found.windows)
    assert 0.8 < agreement["adjusted_mutual_information"] <= 1


def test_clusters_do_not_depend_on_place_heading_and_size(make, tmp_path):
    poses, _ = make_movements(make, 18, seed=0)
    tables = []
    for angle, size in ((0.0, 1.0), (1.1, 3.0)):
        path = make.keypoints(tmp_path / f"{angle}.parquet", place(poses, angle, size))
        tables.append(find_movements({"one": path}, {}, CONFIG).windows)
    assert (tables[0]["cluster"] == tables[1]["cluster"]).mean() > 0.98
    # Both lie the same way when they are turned by the angle that is noted, up to half a turn for all windows alike.
    assert np.ptp(np.unwrap(tables[1]["turn"] - tables[0]["turn"])) < 0.01


def test_turned_windows_lie_along_x(files):
    keypoints, _ = files
    table = find_movements(keypoints, {}, CONFIG).windows
    for session, rows in table.groupby("session"):
        poses = read_table(keypoints[session], "keypoints").pivot_table(index="frame", columns="keypoint", values=["x", "y"])
        x, y = (poses.loc[rows["frame"], axis].to_numpy() for axis in "xy")
        head = (x[:, 0] - x[:, -1] + 1j * (y[:, 0] - y[:, -1])) * np.exp(1j * rows["turn"].to_numpy())
        assert np.abs(head.real).min() > 10 * np.abs(head.imag).max()
        assert len(np.unique(np.sign(head.real))) == 1


def test_clusters_are_numbered_by_how_often_they_are_seen_and_shares_add_up(files):
    found = find_movements(*files, CONFIG)
    counts = found.windows["cluster"].value_counts()
    assert counts.index.tolist() == [1, 2, 3] and counts.is_monotonic_decreasing
    for session, shares in found.summary["shares"].items():
        own = found.windows.loc[found.windows["session"] == session, "cluster"]
        assert shares == pytest.approx([(own == cluster).mean() for cluster in (1, 2, 3)])
    assert find_movements(*files, CONFIG).windows.equals(found.windows)


def test_labels_change_nothing(files):
    keypoints, behaviours = files
    labelled, half, blind = (find_movements(keypoints, given, CONFIG) for given in (behaviours, {"one": behaviours["one"]}, {}))
    assert labelled.windows["cluster"].equals(blind.windows["cluster"])
    assert blind.summary["agreement"] is None
    assert half.summary["agreement"]["n_windows"] == (half.windows["session"] == "one").sum()


def test_gaps_are_left_out_and_long_sessions_are_thinned(make, tmp_path, monkeypatch):
    poses, _ = make_movements(make, 18, seed=0)
    poses[100:150, 2] = np.nan
    path = make.keypoints(tmp_path / "k.parquet", poses)
    whole = find_movements({"one": path}, {}, CONFIG).windows
    assert not ((whole["stop"] >= 100) & (whole["start"] < 150)).any()
    monkeypatch.setattr(movements, "MAX_WINDOWS", 20)
    thinned = find_movements({"one": path}, {}, CONFIG).windows
    assert 10 <= len(thinned) <= 20 and np.ptp(thinned["frame"]) > 0.8 * np.ptp(whole["frame"])


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
def test_too_few_windows_are_said_and_a_still_animal_is_no_error(make, tmp_path):
    poses, _ = make_movements(make, 1, seed=0)
    short = make.keypoints(tmp_path / "short.parquet", poses[:12])
    run("find-movements", "--config", write_config(tmp_path), "--keypoints", f"one={short}", "--output", tmp_path / "m.parquet")
    assert read_table(tmp_path / "m.parquet", "movements").empty
    assert read_metadata(tmp_path / "m.parquet")["reason"] == "0 windows of 1 s without gaps are too few for 8 clusters"
    still = make.keypoints(tmp_path / "still.parquet", np.repeat(poses[:1], 100, axis=0))
    assert set(find_movements({"one": still}, {}, CONFIG).windows["cluster"]) == {1}


def write_config(folder):
    path = folder / "movements.json"
    path.write_text(MovementsConfig().model_dump_json())
    return path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_cluster": 4}, "unknown key 'n_cluster'; did you mean 'n_clusters'?"),
        ({"n_clusters": 1}, "key 'n_clusters' is 1: Input should be greater than or equal to 2"),
        ({"window_seconds": 0}, "key 'window_seconds' is 0: Input should be greater than 0"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(InputError) as error:
        parse_section(MovementsConfig, settings, "movements")
    assert message in str(error.value)


def test_a_file_of_another_kind_is_refused(files, tmp_path):
    _, behaviours = files
    with pytest.raises(InputError, match="b_one.parquet: column 'keypoint' of a keypoints table is missing"):
        find_movements(behaviours, {}, CONFIG)
