from bkind3d.study.opening import load_study
from tests.workflow.tiny_study import write_study


def test_a_file_whose_name_begins_like_an_option_is_none(tmp_path):
    folder = write_study(tmp_path / "study", cameras=2, frames=3)
    (folder / "recordings/s1/cam1.mp4").rename(folder / "-cam1.mp4")
    sheet = folder / "config/cameras.tsv"
    sheet.write_text(sheet.read_text().replace("s1/cam1.mp4", "../-cam1.mp4"))
    study = load_study(folder=folder)
    assert study.find_videos("s1", "cam1") == ["./-cam1.mp4"]
    assert study.find_videos("s1", "cam2") == ["recordings/s1/cam2.mp4"]
