"""What Snakemake would do: every kind of study, and every wrong input that can be known before a run."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_metadata
from tests.unit.calibration.formats.rigs import KnownCamera
from tests.unit.calibration.formats.test_matlab import write_label3d
from tests.workflow.conftest import ROOT, make_environment, run_snakemake
from tests.workflow.tiny_study import HEIGHT, WIDTH

REAL_DATA = os.environ.get("BKIND3D_REAL_DATA")


def list_jobs(result) -> Counter[str]:
    """Number of planned jobs of every rule."""
    assert result.returncode == 0, result.stderr[-2000:]
    table = re.search(r"^Job stats:\n.*?\n(-.*?)\n\n", result.stdout + result.stderr, flags=re.MULTILINE | re.DOTALL)
    return Counter({name: int(number) for name, number in (line.split() for line in table.group(1).splitlines()[1:])} if table else {})


def read_refusal(result) -> str:
    """The one line of a refusal."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Using ")]
    assert (result.returncode, len(lines)) == (2, 1), result.stderr[-2000:]
    return lines[0]


@pytest.mark.parametrize(("joints", "behaviours", "boards"), list(itertools.product([True, False], repeat=3)))
def test_sessions_may_lack_joints_behaviours_and_boards(make_study, joints, behaviours, boards):
    folder = make_study(frames=2, cameras=2, joints=joints, behaviours=behaviours, sessions="train train test")
    if boards:
        film_boards(folder)
    jobs = list_jobs(run_snakemake(folder, "-n"))
    assert jobs["train_model"] == jobs["regress_joints"] == jobs["classify_actions"] == jobs["write_report"] == 1
    assert jobs["predict_keypoints"] == jobs["write_session_page"] == 3
    assert jobs["import_joints"] == jobs["predict_untrained"] == (3 if joints else 0)
    assert (jobs["calibrate_cameras"], jobs["import_calibration"]) == ((1, 0) if boards else (0, 1))


def test_without_pictures_nothing_that_shows_them_is_made(make_study):
    folder = make_study(frames=2, cameras=2, sessions="train train test")
    shown = list_jobs(run_snakemake(folder, "-n"))
    assert shown["draw_overlays"] == 3
    configure(folder, report={"pictures": False})
    result = run_snakemake(folder, "-n")
    jobs = list_jobs(result)
    assert not jobs["draw_overlays"]
    assert not jobs["draw_contact_sheets"]
    assert {name: jobs[name] for name in ("write_report", "write_session_page", "plot_figures", "examine_recordings")} == {
        name: shown[name] for name in ("write_report", "write_session_page", "plot_figures", "examine_recordings")
    }
    assert not re.search(r"overlays\.png|animation\.gif", result.stdout + result.stderr)


def film_boards(folder: Path) -> None:
    """Give the rig board videos instead of a calibration."""
    board = {"squares_x": 5, "squares_y": 4, "square_length": 20, "marker_length": 15}
    configure(folder, boards={"charuco": board})
    for camera in ("cam1", "cam2"):
        shutil.copy(folder / "recordings" / "s1" / f"{camera}.mp4", folder / "recordings" / f"board_{camera}.mp4")
    rigs = "rig\tunits\tcalibration\tboard\tboard_videos\nring\tmm\t\tcharuco\tboard_{camera}.mp4\n"
    (folder / "config" / "rigs.tsv").write_text(rigs)


def configure(folder: Path, **sections) -> None:
    path = folder / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **sections}))


def test_the_demo(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    jobs = list_jobs(run_snakemake(tmp_path, "-n"))
    sheet = (ROOT / "config" / "sessions.tsv").read_text().splitlines()
    assert sum(number for name, number in jobs.items() if name.startswith("simulate_session")) == len(sheet) - 1
    assert jobs["calibrate_cameras"] == jobs["train_model"] == 1


def test_weights_that_may_change_on_the_hub_are_remarked_and_files_that_cannot_be_inputs_refused(make_study):
    folder = make_study(frames=2, cameras=2)
    (folder / "weights").mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / "weights" / name).write_text("{}")
    one, other = ({"frames": "small", "preset": "paper", "model": {"pretrained": source}} for source in ("weights", "hub:lab/net"))
    configure(folder, experiments={"one": one, "other": other})
    result = run_snakemake(folder, "-n")
    assert list_jobs(result)["train_model"] == 2
    (remark,) = [line for line in result.stderr.splitlines() if "names no commit" in line]
    assert remark.startswith("experiment other: model.pretrained 'hub:lab/net' names no commit")
    (folder / "weights" / "model{1}.safetensors").write_text("{}")
    assert "experiments.one.model.pretrained: weights/model{1}.safetensors: Snakemake cannot" in read_refusal(run_snakemake(folder, "-n"))


def test_the_laboratory_template(tmp_path):
    shutil.copytree(ROOT / "config" / "examples" / "laboratory", tmp_path / "study")
    assert "key 'recordings'" in read_refusal(run_snakemake(tmp_path / "study", "-n"))
    recordings = tmp_path / "study" / "recordings"
    for name in (*(f"{s}/{c}" for s in ("mouse1_day1", "mouse2_day1", "calibration") for c in ("top", "left", "right")),):
        (recordings / name).parent.mkdir(parents=True, exist_ok=True)
        (recordings / f"{name}.mp4").write_text("x")
    assert list_jobs(run_snakemake(tmp_path / "study", "-n"))["survey_video"] == 6


def test_a_calibration_of_another_program_is_imported(make_study):
    folder = make_study(frames=2, cameras=3)
    cameras, _ = read_calibration(folder / "recordings" / "ring.toml")
    known = [KnownCamera(c.name, c.size, c.matrix, (0, 0, 0), (0, 0), c.rotation, c.translation) for c in cameras.values()]
    write_label3d(folder / "recordings" / "ring_dannce.mat", known)
    sheet = "rig\tunits\tcalibration\tcalibration_size\nring\tmm\tring_dannce.mat\t{}\n"
    (folder / "config" / "rigs.tsv").write_text(sheet.format("big"))
    assert "rigs.tsv: row 2: calibration_size: 'big' is no picture size" in read_refusal(run_snakemake(folder, "-n"))
    (folder / "config" / "rigs.tsv").write_text(sheet.format(" ".join(f"{c.name}={c.size[0]}x{c.size[1]}" for c in known)))
    assert run_snakemake(folder, "results/calibration/ring.toml").returncode == 0
    found, metadata = read_calibration(folder / "results" / "calibration" / "ring.toml")
    assert metadata["source"] == "ring_dannce.mat"
    for name, camera in cameras.items():
        assert found[name].size == camera.size
        assert abs(found[name].projection - camera.projection).max() < 1e-6


@pytest.mark.real_data
@pytest.mark.skipif(not REAL_DATA, reason="BKIND3D_REAL_DATA does not name a folder of recordings")
def test_the_real_recording(tmp_path):
    shutil.copytree(ROOT / "config" / "examples" / "pose2sim", tmp_path / "study")
    jobs = list_jobs(run_snakemake(tmp_path / "study", "-n", "--config", f"recordings={Path(REAL_DATA).resolve() / 'pose2sim_single'}"))
    assert (jobs["import_calibration"], jobs["survey_video"], jobs["regress_joints"]) == (1, 4, 1)


def test_the_real_example_needs_its_recording(tmp_path):
    shutil.copytree(ROOT / "config" / "examples" / "pose2sim", tmp_path / "study")
    refusal = read_refusal(run_snakemake(tmp_path / "study", "-n", "--config", "recordings=nowhere"))
    assert refusal.startswith("bkind3d: error: config/config.yaml: key 'recordings' is 'nowhere': No such file or directory; write")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("config.yaml", "dataset:", "datset:", "unknown key 'datset'; did you mean 'dataset'"),
        ("config.yaml", "steps: 6", "steps: 0", "key 'experiments.tiny.training.steps' is 0"),
        ("config.yaml", "dataset: balls", "dataset: [", "is not valid YAML"),
        ("sessions.tsv", "s1\tanimal1", "s2\tanimal1", "session 's2' is already in row 2"),
        ("sessions.tsv", "train", "training", "row 2: split is 'training'"),
        ("cameras.tsv", "s1/cam2.mp4", "s1/cam9.mp4", "cameras.tsv: row 3: there is no file recordings/s1/cam9.mp4"),
        ("rigs.tsv", "ring.toml", "", "has neither a calibration nor board videos"),
        ("rigs.tsv", "ring\tmm\tring.toml\t\t\n", "", "rigs.tsv: has no rows"),
    ],
)
def test_wrong_input_ends_with_one_line(make_study, name, old, new, message):
    folder = make_study(frames=2, cameras=2)
    path = folder / "config" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in read_refusal(run_snakemake(folder, "-n"))
    assert not (folder / "results").exists()


def test_a_study_without_settings_is_refused(tmp_path):
    assert "config/config.yaml: cannot be read" in read_refusal(run_snakemake(tmp_path, "-n"))


def test_another_python_on_the_path_is_refused(make_study, monkeypatch, tmp_path):
    folder = make_study(frames=2, cameras=2)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec {Path(sys.executable)} -I -S "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)

    environment = make_environment()
    environment["PATH"] = f"{tmp_path / 'bin'}:{environment['PATH']}"
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    refusal = read_refusal(subprocess.run(command, capture_output=True, text=True, env=environment, check=False))
    assert "the python on the PATH finds no bkind3d" in refusal
    assert "activate" in refusal


def test_views_in_one_picture_are_surveyed_by_one_job_that_decodes_their_video_once(make_study):
    folder = make_study(frames=6, cameras=3, sessions="train test")
    sheet = folder / "config/cameras.tsv"
    rows = [line.split("\t") for line in sheet.read_text().splitlines()[1:]]
    width, height = WIDTH // 2, HEIGHT

    def write(crops: dict[str, str]) -> None:
        lines = [[s, c, f"{s}/cam1.mp4" if c in crops else video, crops.get(c, "")] for s, c, video in rows]
        sheet.write_text("\n".join("\t".join(line) for line in [["session", "camera", "video", "crop"], *lines]) + "\n")

    write({"cam1": f"0,0,{width},{height}", "cam2": f"{width},0,{width},{height},flip"})
    jobs = list_jobs(run_snakemake(folder, "-n"))
    assert (jobs["survey_views_cam1_cam2"], jobs["survey_video"], jobs["extract_frames"]) == (2, 2, 6)
    assert run_snakemake(folder, "results/survey/s1/cam2.parquet").returncode == 0
    surveys = {path.stem: read_metadata(path) for path in (folder / "results/survey/s1").iterdir()}
    assert {name: about.get("part") for name, about in surveys.items()} == {
        "cam1": [0, 0, width, height, 0, WIDTH, HEIGHT], "cam2": [width, 0, width, height, 1, WIDTH, HEIGHT]
    }  # fmt: skip
    write({"cam1": f"0,0,{width},{height}", "cam2": f"{width},0,{width},{height + 1}"})
    refusal = read_refusal(run_snakemake(folder, "-n"))
    assert re.search(rf"cameras.tsv: row 3: .*cam1.mp4: the crop {width},0,{width},{height + 1} is not all inside its pictures of", refusal)
