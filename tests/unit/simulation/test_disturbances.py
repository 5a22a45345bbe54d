import cv2
import numpy as np
import pytest

from bkind3d.config import InputError, SimulatedRig, SimulatedSession, SimulatedSubject, SimulationConfig, parse_section
from bkind3d.simulation.animals import Motion
from bkind3d.simulation.disturbances import Disturbances, disturb_picture, plan_disturbances
from bkind3d.simulation.filming import Shot, build_model, film
from bkind3d.simulation.rigs import make_cameras

CAMERAS = ["cam1", "cam2", "cam3", "cam4"]
PICTURE = np.full((20, 30, 3), 100, np.uint8)


def make_session(**settings: object) -> SimulatedSession:
    return SimulatedSession.model_validate({"subject": "rat", "rig": "arena", "frames": 300, "seed": 3} | settings)


def test_nothing_disturbs_unless_asked(rig: SimulatedRig) -> None:
    assert plan_disturbances(make_session(), rig, CAMERAS) == Disturbances(seed=3)
    assert disturb_picture(PICTURE, 5, "cam1", Disturbances()) is PICTURE


def test_the_light_changes_by_what_was_asked(rig: SimulatedRig) -> None:
    flicker = plan_disturbances(make_session(flicker=0.1), rig, CAMERAS).gains
    assert flicker is not None
    assert 0.05 < np.abs(flicker - 1).max() <= 0.1
    drift = plan_disturbances(make_session(drift=0.2), rig, CAMERAS).gains
    assert drift is not None
    assert drift[[0, -1]].tolist() == pytest.approx([0.8, 1.2])
    shown = disturb_picture(PICTURE, 0, "cam1", Disturbances(gains=drift))
    assert shown.tolist() == np.full((20, 30, 3), 80).tolist()


def test_cameras_are_blocked_in_turn(rig: SimulatedRig) -> None:
    disturbances = plan_disturbances(make_session(blocked_cameras=2), rig, CAMERAS)
    assert len(disturbances.blocked) == 2
    (first, end), (later, last) = sorted(disturbances.blocked.values())
    assert 30 < end - first < 100
    assert end < later < last < 300
    name = next(iter(disturbances.blocked))
    first, end = disturbances.blocked[name]
    shown = [disturb_picture(PICTURE, frame, name, disturbances) for frame in (first - 1, first, first + 1, end)]
    assert shown[0] is PICTURE
    assert shown[3] is PICTURE
    assert np.abs(shown[1].astype(int) - PICTURE).min() > 10
    assert (shown[1] != shown[2]).any(), "a picture that stands still would be a fault of another kind"


@pytest.mark.parametrize(("bystander", "low", "high"), [("behind", 1.0, 2.0), ("inside", 0.3, 0.95)])
def test_the_bystander_walks_to_and_fro(rig: SimulatedRig, bystander: str, low: float, high: float) -> None:
    disturbances = plan_disturbances(make_session(bystander=bystander), rig, CAMERAS)
    assert disturbances.bystander is not None
    radius = np.linalg.norm(disturbances.bystander, axis=1) / (rig.arena / 2000)
    assert low < radius.min() <= radius.max() < high
    steps = np.linalg.norm(np.diff(disturbances.bystander, axis=0), axis=1) * rig.rate
    assert 0.1 < np.median(steps) < 0.4
    assert steps.max() < 0.6


def test_more_blocked_cameras_than_there_are_is_refused(rig: SimulatedRig) -> None:
    values = {"rigs": {"arena": {"cameras": 2}}, "subjects": {"rat": {}}, "sessions": {"a": make_session(blocked_cameras=3).model_dump()}}
    with pytest.raises(InputError, match="blocked_cameras 3 are more than rig 'arena' has"):
        parse_section(SimulationConfig, values, "simulation.json")


@pytest.mark.usefixtures("drawing")
def test_the_bystander_is_filmed_but_is_not_the_subject(rig: SimulatedRig, subject: SimulatedSubject, tmp_path) -> None:
    qpos = build_model(rig, subject).qpos0[None].repeat(2, axis=0)
    cameras = make_cameras(rig)
    pictures, masks = [], []
    for folder, bystander in (("alone", None), ("together", np.array([[0.0, 0.2, 0.0]] * 2))):
        height = 0.0 if bystander is None else 0.1
        motion = Motion(qpos, places={} if bystander is None else {"bystander": bystander})
        shot = Shot(rig, subject, motion, cameras, tmp_path / folder, Disturbances(bystander=bystander, bystander_height=height), 10)
        masks.append(film(shot, workers=1)["mask"].tolist())
        capture = cv2.VideoCapture(str(tmp_path / folder / "cam1.mp4"))
        pictures.append(capture.read()[1].astype(int))
        capture.release()
    assert (np.abs(pictures[0] - pictures[1]).max(axis=2) > 40).sum() > 50
    # 20 cm beside the animal it hides nothing of it, at least from above.
    assert sum(first == second for first, second in zip(*masks, strict=True)) >= 2


def test_infrared_pictures_are_grey_and_noisy_in_a_way_that_follows_from_seed_frame_and_camera(rig: SimulatedRig) -> None:
    disturbances = plan_disturbances(make_session(), rig.model_copy(update={"room": "infrared"}), CAMERAS)
    coloured = PICTURE * np.array([1.0, 0.5, 0.2])
    shown = [
        disturb_picture(coloured.astype(np.uint8), *which, disturbances) for which in ((5, "cam1"), (5, "cam1"), (6, "cam1"), (5, "cam2"))
    ]
    assert (np.ptp(shown[0], axis=2) == 0).all()
    assert shown[0].std() == pytest.approx(5, rel=0.2)
    assert np.array_equal(shown[0], shown[1])
    assert not np.array_equal(shown[0], shown[2])
    assert not np.array_equal(shown[0], shown[3])
