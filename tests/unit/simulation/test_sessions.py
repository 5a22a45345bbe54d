import argparse
import json

import av
import cv2
import numpy as np
import pytest

from bkind3d.cli.studies import simulate_board, simulate_session
from bkind3d.config import InputError, SimulationConfig, parse_section
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.simulation.rigs import make_cameras

SIMULATION = {
    "rigs": {"arena": {"cameras": 3, "width": 96, "height": 80, "board_frames": 10}},
    "subjects": {"rat": {"coat": "white", "seed": 2}},
    "sessions": {"day1": {"subject": "rat", "rig": "arena", "frames": 12}},
}
BOARDS = {"charuco": {"squares_x": 7, "squares_y": 5, "square_length": 60, "marker_length": 45}}

pytestmark = pytest.mark.usefixtures("drawing")


def make_arguments(folder, workers, **more):
    folder.mkdir(exist_ok=True)
    (folder / "simulation.json").write_text(json.dumps(SIMULATION))
    (folder / "boards.json").write_text(json.dumps(BOARDS))
    paths = {
        "config": folder / "simulation.json",
        "boards": folder / "boards.json",
        "recordings": folder / "recordings",
        "truth": folder / "truth",
    }
    return argparse.Namespace(**paths, workers=workers, **more)


def read_video(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    simulate_session.run(make_arguments(folder, 1, session="day1"))
    return folder


def test_a_session_has_videos_and_truth(recorded):
    for camera in ("cam1", "cam2", "cam3"):
        assert read_video(recorded / f"recordings/day1/{camera}.mp4").shape == (12, 80, 96)
    joints = read_table(recorded / "truth/day1/joints.parquet", "joints")
    assert read_metadata(recorded / "truth/day1/joints.parquet")["units"] == "mm"
    assert joints.groupby("frame").joint.nunique().eq(joints.joint.nunique()).all()
    assert joints.frame.max() == 11
    assert joints.z.between(0, 250).all()
    assert len(read_table(recorded / "truth/day1/behaviours.parquet", "behaviours")) == 12
    poses = read_table(recorded / "truth/day1/poses.parquet", "poses")
    assert np.allclose(poses[["x", "y", "z"]], joints.groupby("frame")[["x", "y", "z"]].mean(), atol=1e-3)
    places = joints.pivot(index="frame", columns="joint", values=["x", "y"])
    ahead = places.xs("SpineF", level="joint", axis=1) - places.xs("TailBase", level="joint", axis=1)
    turns = np.exp(1j * poses["heading"]) / (ahead["x"] + 1j * ahead["y"])
    assert np.abs(np.angle(turns)).max() < 0.6
    silhouettes = read_table(recorded / "truth/day1/silhouettes.parquet", "silhouettes")
    assert sorted(zip(silhouettes.frame, silhouettes.camera, strict=True)) == [(f, c) for f in (0, 10) for c in ("cam1", "cam2", "cam3")]


def test_joints_project_into_the_silhouettes_and_those_onto_the_animal(recorded):
    cameras = make_cameras(parse_section(SimulationConfig, SIMULATION, "test").rigs["arena"])
    joints = read_table(recorded / "truth/day1/joints.parquet", "joints").set_index("frame")[["x", "y", "z"]]
    inside = []
    for row in read_table(recorded / "truth/day1/silhouettes.parquet", "silhouettes").itertuples():
        mask = cv2.imdecode(np.frombuffer(row.mask, np.uint8), cv2.IMREAD_GRAYSCALE)
        points = joints.loc[row.frame].to_numpy()
        projected = np.c_[points, np.ones(len(points))] @ cameras[row.camera].projection.T
        columns, rows = np.round(projected[:, :2] / projected[:, 2:]).astype(int).T
        inside += list(cv2.dilate(mask, np.ones((3, 3)))[rows, columns] > 0)
        picture = read_video(recorded / f"recordings/day1/{row.camera}.mp4")[row.frame].astype(float)
        assert picture[cv2.erode(mask, np.ones((3, 3))) > 0].mean() > np.median(picture) + 15  # a white rat
    assert np.mean(inside) > 0.9


def test_the_number_of_workers_changes_nothing(recorded, tmp_path):
    simulate_session.run(make_arguments(tmp_path, 2, session="day1"))
    for camera in ("cam1", "cam2", "cam3"):
        name = f"recordings/day1/{camera}.mp4"
        assert (recorded / name).read_bytes() == (tmp_path / name).read_bytes()
    silhouettes = [read_table(folder / "truth/day1/silhouettes.parquet", "silhouettes") for folder in (recorded, tmp_path)]
    assert silhouettes[0].equals(silhouettes[1])


def test_a_board_is_filmed_and_the_true_calibration_written(tmp_path):
    simulate_board.run(make_arguments(tmp_path, 1, rig="arena"))
    cameras, metadata = read_calibration(tmp_path / "truth/arena/calibration.toml")
    expected = make_cameras(parse_section(SimulationConfig, SIMULATION, "test").rigs["arena"])
    assert metadata["units"] == "mm"
    assert list(cameras) == list(expected)
    for name, camera in cameras.items():
        assert np.allclose(camera.projection, expected[name].projection, rtol=1e-9)
        video = read_video(tmp_path / f"recordings/arena_board/{name}.mp4")
        assert len(video) == 10
        assert (np.abs(np.diff(video.astype(int), axis=0)) > 40).mean() > 0.02


@pytest.mark.parametrize("verb, more", [(simulate_session, {"session": "day9"}), (simulate_board, {"rig": "cellar"})])
def test_an_unknown_name_is_refused_in_one_line(tmp_path, verb, more):
    with pytest.raises(InputError, match="there are") as refusal:
        verb.run(make_arguments(tmp_path, 1, **more))
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "recordings").exists()


@pytest.mark.parametrize(
    "rig, subject, message",
    [
        ({"width": 95}, {}, "must be even"),
        ({"arena": 300}, {}, "arena 300 is too small for rat, who needs 440 mm"),
        ({"arena": 3000}, {"animal": "person", "scale": 1.1}, "arena_height 160 is too small for rat, who needs 1870 mm"),
    ],
)
def test_a_rig_that_cannot_be_filmed_is_refused(rig, subject, message):
    changed = {"rigs": {"arena": SIMULATION["rigs"]["arena"] | rig}, "subjects": {"rat": subject}}
    with pytest.raises(InputError, match=message):
        parse_section(SimulationConfig, SIMULATION | changed, "simulation.json")


def test_rest_and_silhouettes_are_kept_as_asked(tmp_path, monkeypatch):
    session = SIMULATION["sessions"]["day1"] | {"silhouette_step": 3, "rest_seconds": 0.2, "rest": "end"}
    monkeypatch.setitem(SIMULATION, "sessions", {"day1": session})
    simulate_session.run(make_arguments(tmp_path, 1, session="day1"))
    assert read_table(tmp_path / "truth/day1/silhouettes.parquet", "silhouettes")["frame"].unique().tolist() == [0, 3, 6, 9]
    assert read_table(tmp_path / "truth/day1/behaviours.parquet", "behaviours")["behaviour"].tolist()[-6:] == ["rest"] * 6


def test_an_animal_does_what_is_asked_as_fast_as_is_asked(tmp_path, monkeypatch):
    speeds = []
    for pace in (0.5, 1.0):
        session = SIMULATION["sessions"]["day1"] | {"frames": 60, "behaviours": ["walk"], "pace": pace, "silhouette_step": 60, "seed": 5}
        rig = SIMULATION["rigs"]["arena"] | {"cameras": 2, "width": 64, "height": 64, "arena": 2000}
        monkeypatch.setitem(SIMULATION, "rigs", {"arena": rig})
        monkeypatch.setitem(SIMULATION, "sessions", {"day1": session})
        simulate_session.run(make_arguments(tmp_path / str(pace), 1, session="day1"))
        behaviours = read_table(tmp_path / str(pace) / "truth/day1/behaviours.parquet", "behaviours")
        walks = (behaviours["behaviour"] == "walk").to_numpy()
        assert set(behaviours["behaviour"]) <= {"walk", "turn"}
        places = read_table(tmp_path / str(pace) / "truth/day1/poses.parquet", "poses")[["x", "y"]].to_numpy()
        speeds.append(np.median(np.linalg.norm(np.gradient(places, axis=0), axis=1)[walks]))
    assert speeds[1] == pytest.approx(2 * speeds[0], rel=0.35)


def test_a_behaviour_that_the_animal_does_not_know_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(SIMULATION, "sessions", {"day1": SIMULATION["sessions"]["day1"] | {"behaviours": ["fly"]}})
    with pytest.raises(InputError, match="behaviours: a rodent knows no 'fly'; it knows rest, walk, turn, rear, groom"):
        simulate_session.run(make_arguments(tmp_path, 1, session="day1"))


def test_a_person_is_simulated_as_a_rat_is(tmp_path, monkeypatch):
    rig = SIMULATION["rigs"]["arena"] | {"arena": 4000, "arena_height": 2000}
    session = SIMULATION["sessions"]["day1"] | {"bystander": "behind"}
    monkeypatch.setitem(SIMULATION, "rigs", {"arena": rig})
    monkeypatch.setitem(SIMULATION, "subjects", {"rat": {"animal": "person"}})
    monkeypatch.setitem(SIMULATION, "sessions", {"day1": session})
    simulate_session.run(make_arguments(tmp_path, 1, session="day1"))
    joints = read_table(tmp_path / "truth/day1/joints.parquet", "joints").set_index("joint")
    assert joints.loc["Head", "z"].between(800, 1800).all()
    assert read_table(tmp_path / "truth/day1/behaviours.parquet", "behaviours").behaviour.nunique() == 1
    masks = read_table(tmp_path / "truth/day1/silhouettes.parquet", "silhouettes")["mask"]
    assert all((cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE) > 0).sum() > 30 for mask in masks)
