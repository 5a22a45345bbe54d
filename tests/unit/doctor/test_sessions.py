from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.exchange import export_calibration
from bkind3d.config import LocationConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.crops import Crop, View
from bkind3d.data.video import decode_frames
from bkind3d.doctor.sessions import check_lens, check_parts
from bkind3d.doctor.studies import examine_study
from bkind3d.survey.location import locate_subject
from tests.unit.doctor.conftest import find
from tests.unit.survey.conftest import Scene
from tests.unit.survey.test_synchronisation import delay


def test_cameras_of_unequal_length_are_refused_with_the_numbers(study_folder: Path, scene: Scene, write_video) -> None:
    pictures = [frame.picture for frame in decode_frames(scene.videos["cam3"])]
    write_video(scene.videos["cam3"], pictures[:25])
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert "different numbers of frames (cam1 30, cam2 30, cam3 25); give frame maps" in failures[0]
    rows = "".join(f"{frame}\t{min(frame, 24)}\n" for frame in range(30))
    (scene.folder / "map.tsv").write_text("frame\tvideo_frame\n" + rows)
    sheet = study_folder / "config/cameras.tsv"
    sheet.write_text(sheet.read_text().replace("videos/cam3.mp4\t", "videos/cam3.mp4\tmap.tsv"))
    assert find(examine_study(study_folder)[0], "failure") == []


def test_different_rates_are_refused(study_folder: Path, scene: Scene, write_video) -> None:
    write_video(scene.videos["cam3"], [frame.picture for frame in decode_frames(scene.videos["cam3"])], rate=25)
    failures = find(examine_study(study_folder)[0], "failure")
    assert ["different rates (cam1 30, cam2 30, cam3 25 per second)" in failure for failure in failures] == [True]
    sheet = study_folder / "config/sessions.tsv"
    sheet.write_text("session\tsubject\trig\tsplit\tframe_rate\nball\tb\trig\ttrain\t30\n")
    assert find(examine_study(study_folder)[0], "failure") == []


def test_metres_read_as_millimetres_are_found(study_folder: Path, scene: Scene) -> None:
    small = {name: replace(camera, translation=camera.translation / 1000) for name, camera in scene.cameras.items()}
    write_calibration(small, study_folder / "results/calibration/rig.toml", "mm")
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert "the cameras stand 0.0011 m from what they look at, if the calibration is in mm; correct the units" in failures[0]


@pytest.mark.parametrize(
    ("old", "new", "message"), [('name = "cam2"', 'name = "other"', "cam2"), ("distortions = [-0.2", "distortions = [nan", "not finite")]
)
def test_a_wrong_calibration_is_named(study_folder: Path, old: str, new: str, message: str) -> None:
    path = study_folder / "results/calibration/rig.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert message in failures[0]


def test_a_given_calibration_of_any_format_is_examined_before_it_is_imported(study_folder: Path, scene: Scene) -> None:
    (study_folder / "results/calibration/rig.toml").unlink()
    export_calibration(scene.calibration, study_folder / "rig.yaml")
    sheet = study_folder / "config/rigs.tsv"
    sheet.write_text(f"rig\tunits\tcalibration\nrig\tmm\t{study_folder}/rig.yaml\n")
    checks, _ = examine_study(study_folder)
    assert find(checks, "failure") == [] and not any("not calibrated yet" in warning for warning in find(checks, "warning"))
    assert any("m from what they look at" in told for told in find(checks, "pass"))
    sheet.write_text(sheet.read_text().replace("\tmm\t", "\tm\t"))
    assert any("correct the units" in failure for failure in find(examine_study(study_folder)[0], "failure"))


def test_a_late_camera_is_named(study_folder: Path, scene: Scene) -> None:
    delay(scene, "cam2", 3)
    locate_subject(LocationConfig(max_offset_frames=6), scene.calibration, scene.surveys, study_folder / "results/location/ball.parquet")
    warnings = find(examine_study(study_folder)[0], "warning")
    assert ["ball/cam2: shows moments +3" in warning and "correct_offsets" in warning for warning in warnings if "moments" in warning] == [
        True
    ]


def test_views_in_one_picture_are_examined_as_cameras_and_overlapping_ones_are_said():
    views = {
        "cam1": View((Path("a.mp4"),), Crop(0, 0, 40, 30)),
        "cam2": View((Path("a.mp4"),), Crop(30, 20, 40, 30)),
        "cam3": View((Path("b.mp4"),)),
    }
    (check,) = check_parts(views)
    assert (check.status, check.what) == ("warning", "crop")
    assert check.sentence == "the parts of a.mp4 that are cam1 (0,0,40,30) and cam2 (30,20,40,30) overlap"
    assert not check_parts({**views, "cam2": View((Path("b.mp4"),), Crop(30, 20, 40, 30))})


def test_a_mask_of_another_size_is_a_failure(study_folder: Path, scene: Scene) -> None:
    sheet = study_folder / "config/cameras.tsv"
    cv2.imwrite(str(scene.folder / "mask.png"), np.full((40, 90), 255, np.uint8))
    rows = sheet.read_text().splitlines()
    sheet.write_text("\n".join([rows[0] + "\tmask", rows[1] + "\tmask.png", *rows[2:]]) + "\n")
    failures = find(examine_study(study_folder)[0], "failure")
    assert len(failures) == 1
    assert "mask.png: is 90x40, the video 192x144" in failures[0]


def test_a_very_long_lens_is_remarked_and_no_more(scene: Scene) -> None:
    camera = scene.cameras["cam1"]
    assert check_lens(camera) == []
    longer = camera.matrix * np.array([[100, 1, 1], [1, 100, 1], [1, 1, 1]])
    (check,) = check_lens(replace(camera, matrix=longer, distortion=np.zeros(5)))
    assert (check.status, check.camera) == ("pass", "cam1")
    assert "degrees, as hardly a lens does" in check.sentence
