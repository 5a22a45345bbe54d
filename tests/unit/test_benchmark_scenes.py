"""The scenes that methods are judged on are studies that can be opened, whose sealed subjects and rigs are others than those for tuning."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.scenes import SCENES, Scene
from bkind3d.config import ROOMS, InputError
from bkind3d.data.parquet import read_table
from bkind3d.data.video import probe_video
from bkind3d.study.opening import open_study
from bkind3d.study.sheets import read_sessions


def test_all_rooms_and_animals_are_there() -> None:
    scenes = [scene for scene in SCENES.values() if isinstance(scene, Scene)]
    assert {scene.room for scene in scenes} == set(ROOMS)
    assert {scene.animal for scene in scenes} == {"rodent", "deer", "fly", "tethered_fly", "person"}
    assert {scene.seconds for scene in scenes} == {8.0, 60.0}


@pytest.mark.parametrize("name", SCENES)
def test_sealed_subjects_and_rigs_are_for_nothing_else(name: str) -> None:
    scene = SCENES[name]
    if not isinstance(scene, Scene):
        pytest.skip("its two halves are sealed from each other")
    tuning, sealed = scene.simulate(), scene.simulate(sealed=True)
    assert not {subject.seed for subject in tuning.subjects.values()} & {subject.seed for subject in sealed.subjects.values()}
    assert not {rig.seed for rig in tuning.rigs.values()} & {rig.seed for rig in sealed.rigs.values()}
    assert set(scene.sealed) <= set(range(900, 1000))
    for session in (*tuning.sessions.values(), *sealed.sessions.values()):
        rate = {**tuning.rigs, **sealed.rigs}[session.rig].rate
        assert session.rest_seconds * rate == pytest.approx(session.frames / 2)


def test_a_scene_is_rendered_once_as_a_study_with_its_truth(tmp_path: Path) -> None:
    pytest.importorskip("mujoco", reason="the extra `simulation` is not installed")
    scene = replace(SCENES["rat-infrared"], rig={"cameras": 2, "width": 96, "height": 80}, seconds=0.4, tuning=(2, 7, 8))
    scene.write_study(tmp_path)
    study = open_study(tmp_path)
    assert study.list_sessions("train", joints=True, behaviours=True) == ["rodent2"]
    assert study.list_sessions("test") == ["rodent7", "rodent8"]
    assert study.list_rig_cameras("rig0") == ["cam1", "cam2"]
    assert len(read_table(tmp_path / "truth/rodent2/silhouettes.parquet", "silhouettes")) == 2 * 12
    assert len(read_table(tmp_path / "truth/rodent2/poses.parquet", "poses")) == 12
    video = tmp_path / "recordings/rodent2/cam1.mp4"
    before = video.stat().st_mtime_ns
    scene.write_study(tmp_path)
    assert video.stat().st_mtime_ns == before
    replace(scene, seconds=0.5, tuning=(2,)).write_study(tmp_path)
    assert video.stat().st_mtime_ns > before


def test_the_real_mouse_is_cut_into_two_views_of_which_the_second_half_is_sealed(tmp_path: Path, real_data: Path) -> None:
    SCENES["mirror-mouse"].write_study(tmp_path / "tuning")
    SCENES["mirror-mouse"].write_study(tmp_path / "sealed", sealed=True)
    study = open_study(tmp_path / "tuning")
    assert study.list_sessions("train") == ["mouse1"]
    assert study.list_rig_cameras("rig") == ["side", "bottom"]
    assert {name: row.split for name, row in read_sessions(tmp_path / "sealed/config/sessions.tsv").items()} == {"mouse3": "test"}
    lengths = [probe_video(video).n_frames for video in sorted(tmp_path.glob("*/recordings/*/side.mp4"))]
    assert sum(lengths) == 994


def test_without_real_recordings_measured_scenes_say_so(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("BKIND3D_REAL_DATA", raising=False)
    with pytest.raises(InputError, match="BKIND3D_REAL_DATA names no folder"):
        SCENES["rat-measured"].write_study(tmp_path)
