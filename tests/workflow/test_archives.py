"""Studies that importers wrote, planned and begun by Snakemake."""

import yaml

from bkind3d.archives.importers import import_archive
from bkind3d.data.parquet import read_table
from tests.unit.archives.human36m_files import write_archive
from tests.unit.archives.rat7m_files import N_FRAMES, write_session
from tests.workflow.conftest import run_snakemake
from tests.workflow.test_dry_run import list_jobs
from tests.workflow.tiny_study import SETTINGS


def test_an_imported_study_of_rat7m_is_planned_and_its_videos_are_surveyed(tmp_path, write_video):
    for seed, name in enumerate(("s1-d1", "s2-d1", "s5-d1")):
        write_session(tmp_path / "rat 7m", name, write_video, seed)
    (tmp_path / "rat 7m" / "SIMULATED.txt").write_text("rendered")
    import_archive("rat7m", tmp_path / "rat 7m", tmp_path / "study")
    experiments = {key: SETTINGS[key] for key in ("survey", "framesets", "experiments")}
    (tmp_path / "experiments.yaml").write_text(yaml.safe_dump(experiments))
    options = ["--configfile", str(tmp_path / "experiments.yaml")]
    planned = run_snakemake(tmp_path / "study", "-n", *options)
    jobs = list_jobs(planned)
    assert (jobs["import_calibration"], jobs["survey_video"], jobs["import_joints"]) == (3, 9, 3)
    assert jobs["train_model"] == jobs["regress_joints"] == 1
    assert run_snakemake(tmp_path / "study", "results/survey/s1-d1/Camera2.parquet", *options).returncode == 0
    survey = read_table(tmp_path / "study" / "results" / "survey" / "s1-d1" / "Camera2.parquet", "survey")
    assert survey["video_frame"].tolist() == list(range(N_FRAMES))


def test_an_imported_study_of_human36m_is_planned(tmp_path):
    archive = write_archive(tmp_path / "human 3.6m")
    (archive / "S1/Videos/Greeting 1.58860488.mp4").unlink()
    (archive / "S9/MyPoseFeatures/D3_Positions/Greeting.cdf").unlink()
    import_archive("h36m", archive, tmp_path / "study")
    (tmp_path / "experiments.yaml").write_text(yaml.safe_dump({key: SETTINGS[key] for key in ("survey", "framesets", "experiments")}))
    jobs = list_jobs(run_snakemake(tmp_path / "study", "-n", "--configfile", str(tmp_path / "experiments.yaml")))
    # Two subjects with cameras of their own, three actions of two takes each, four cameras but for one video, joints but for one take.
    assert (jobs["import_calibration"], jobs["locate_subject"], jobs["survey_video"], jobs["import_joints"]) == (2, 12, 47, 11)
    assert jobs["train_model"] == jobs["regress_joints"] == jobs["classify_actions"] == 1
