"""Studies that importers wrote, planned and begun by Snakemake."""

import yaml

from bkind3d.archives.rat7m import import_rat7m
from bkind3d.data.parquet import read_table
from tests.unit.archives.rat7m_files import N_FRAMES, write_session
from tests.workflow.conftest import run_snakemake
from tests.workflow.test_dry_run import list_jobs
from tests.workflow.tiny_study import SETTINGS


def test_an_imported_study_of_rat7m_is_planned_and_its_videos_are_surveyed(tmp_path, write_video):
    for seed, name in enumerate(("s1-d1", "s2-d1", "s5-d1")):
        write_session(tmp_path / "rat 7m", name, write_video, seed)
    (tmp_path / "rat 7m" / "SIMULATED.txt").write_text("rendered")
    import_rat7m(tmp_path / "rat 7m", tmp_path / "study")
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
