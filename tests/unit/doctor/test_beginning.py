from pathlib import Path

from bkind3d.data.video import decode_frames
from bkind3d.doctor.studies import examine_study
from tests.unit.survey.conftest import Scene


def test_a_late_camera_is_named_before_anything_is_located(study_folder: Path, scene: Scene, write_video) -> None:
    pictures = [frame.picture for frame in decode_frames(scene.videos["cam2"])]
    write_video(scene.videos["cam2"], [pictures[max(0, number - 3)] for number in range(len(pictures))])
    config = study_folder / "config/config.yaml"
    config.write_text(config.read_text() + "location: {max_offset_frames: 5}\n")
    told = [check.sentence for check in examine_study(study_folder)[0] if check.what == "synchronisation" and check.status == "warning"]
    assert ["shows moments +3" in sentence for sentence in told] == [True]
