from pathlib import Path

import numpy as np
import pytest

from bkind3d.config import FramesConfig, LocationConfig
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.survey.cube import measure_cube
from bkind3d.survey.frames import FrameSources, extract_frames
from bkind3d.survey.location import locate_subject
from bkind3d.survey.synchronisation import (
    Signals,
    estimate_offsets,
    is_beyond_doubt,
    measure_angles,
    measure_drifts,
    read_signals,
    shift_frames,
)
from tests.unit.survey.conftest import Scene


def make_signals(n_frames: int = 200, noise: float = 0.02, seed: int = 0, late: dict[int, int] | None = None, drift: int = 0) -> Signals:
    """Four cameras that see smooth random angles alike, each with a bias, some of them late, and the second one ever later."""
    generator = np.random.default_rng(seed)
    kernel = np.hanning(15) / np.hanning(15).sum()
    margin, n_views = 40, 4
    shown = [np.arange(margin, margin + n_frames) - (late or {}).get(view, 0) for view in range(n_views)]

    shown[1] = shown[1] - np.rint(np.linspace(0, drift, n_frames)).astype(int)

    def draw() -> np.ndarray:
        return np.convolve(generator.normal(size=n_frames + 2 * margin + 14), kernel, mode="valid")

    angles = np.full((2, n_views, n_views, n_frames), np.nan)
    for edge in range(2):
        for one in range(n_views):
            for other in range(one):
                truth = draw()
                for view, partner in ((one, other), (other, one)):
                    angles[edge, view, partner] = truth[shown[view]] + generator.normal(0, noise, n_frames) + generator.normal()
    energy = draw()
    motion = np.stack([energy[frames] + generator.normal(0, 0.3, n_frames) for frames in shown])
    return Signals(angles, motion)


def name_late(offsets: np.ndarray, uncertainties: np.ndarray) -> list[int]:
    return [view for view, told in enumerate(zip(offsets, uncertainties, strict=True)) if is_beyond_doubt(*told)]


def test_cameras_that_agree_are_left_alone() -> None:
    for seed in range(5):
        offsets, uncertainties = estimate_offsets(make_signals(seed=seed), 30)
        assert offsets == pytest.approx(np.zeros(4), abs=0.3)
        assert name_late(offsets, uncertainties) == []


@pytest.mark.parametrize("frames", [1, -1, 4, -20])
def test_the_late_camera_is_named_with_its_frames(frames: int) -> None:
    offsets, uncertainties = estimate_offsets(make_signals(late={2: frames}), 30)
    assert name_late(offsets, uncertainties) == [2]
    assert offsets == pytest.approx([0, 0, frames, 0], abs=0.3)
    assert (uncertainties < 0.3).all()


def test_two_late_cameras_are_told_apart() -> None:
    offsets, uncertainties = estimate_offsets(make_signals(late={0: 3, 3: -5}), 30)
    assert offsets == pytest.approx([3, 0, 0, -5], abs=0.3)
    assert name_late(offsets, uncertainties) == [0, 3]


def test_cameras_that_share_nothing_are_not_accused() -> None:
    signals = make_signals(noise=50)
    offsets, uncertainties = estimate_offsets(Signals(signals.angles, np.random.default_rng(1).normal(size=signals.motion.shape)), 30)
    assert name_late(offsets, uncertainties) == []
    assert (uncertainties > 1).all()


def test_a_subject_that_is_not_seen_tells_nothing() -> None:
    offsets, uncertainties = estimate_offsets(Signals(np.full((2, 3, 3, 50), np.nan), np.full((3, 50), np.nan)), 30)
    assert offsets.tolist() == [0, 0, 0]
    assert np.isinf(uncertainties).all()
    assert name_late(offsets, uncertainties) == []


def test_shifting_undoes_a_delay() -> None:
    values = np.arange(12.0).reshape(6, 2)
    shifted = shift_frames(values, [0, 2])
    assert shifted[:, 0].tolist() == values[:, 0].tolist()
    assert shifted[:4, 1].tolist() == values[2:, 1].tolist()
    assert np.isnan(shifted[4:, 1]).all()
    assert np.isnan(shift_frames(values, [0, -1])[0, 1])


def delay(scene: Scene, camera: str, frames: int) -> None:
    """Make a camera's survey show every moment some frames later."""
    table, metadata = read_table(scene.surveys[camera], "survey"), read_metadata(scene.surveys[camera])
    rows = table.iloc[np.maximum(np.arange(len(table)) - frames, 0)].reset_index(drop=True)
    write_table(rows.assign(frame=table["frame"], time_s=table["time_s"]), "survey", scene.surveys[camera], metadata)


def test_filmed_silhouettes_touch_the_same_planes(scene: Scene) -> None:
    signals = read_signals(list(scene.cameras.values()), list(scene.surveys.values()), np.arange(len(scene.track)))
    for one in range(3):
        for other in range(one):
            difference = signals.angles[:, one, other] - signals.angles[:, other, one]
            moved = np.nanmax(signals.angles[:, one, other]) - np.nanmin(signals.angles[:, one, other])
            assert np.nanstd(difference, axis=1).max() < 0.05 * moved
    offsets, _ = estimate_offsets(signals, 8)
    assert offsets == pytest.approx(np.zeros(3), abs=0.3)


@pytest.mark.parametrize("correct", [False, True])
def test_a_late_camera_is_corrected_where_the_config_says_so(scene: Scene, tmp_path: Path, correct: bool) -> None:
    delay(scene, "cam2", 3)
    output = tmp_path / "location.parquet"
    config = LocationConfig(smooth_seconds=0, correct_offsets=correct, max_offset_frames=6)
    locate_subject(config, scene.calibration, scene.surveys, output)
    table, offsets = read_table(output, "location"), read_metadata(output)["offsets"]
    assert offsets["cam2"][0] == pytest.approx(3, abs=0.3)
    assert [offset[2] for offset in offsets.values()] == [False, True, False]
    assert [offset[3] for offset in offsets.values()] == ([0, 3, 0] if correct else [0, 0, 0])
    errors = np.linalg.norm(table[["x", "y", "z"]].to_numpy() - scene.track, axis=1)[3:-3]
    assert (np.nanmax(errors) < 5) == correct
    if correct:
        frames = tmp_path / "frames.parquet"
        measure_cube(config, {"ball": output}, tmp_path / "cube.json")
        sources = FrameSources(scene.videos["cam2"], scene.calibration, scene.surveys["cam2"], output, tmp_path / "cube.json")
        extract_frames(sources, "cam2", FramesConfig(), frames)
        assert read_table(frames, "frames")["valid"].tolist()[3:-3] == [True] * (len(table) - 6)


def test_views_in_one_picture_have_one_clock(scene: Scene, tmp_path: Path) -> None:
    delay(scene, "cam2", 3)
    config, output = LocationConfig(smooth_seconds=0, max_offset_frames=6), tmp_path / "location.parquet"

    def share_video(*names: str) -> dict[str, list[float]]:
        for name in names:
            path = scene.surveys[name]
            table, about = read_table(path, "survey"), read_metadata(path)
            kept = {key: value for key, value in about.items() if key not in ("table", "version")}
            write_table(table, "survey", path, {**kept, "part": [0, 0, 192, 144, 0, 576, 144], "video": "all.mp4"})
        locate_subject(config, scene.calibration, scene.surveys, output)
        return read_metadata(output)["offsets"]

    two = share_video("cam1", "cam3")
    assert two["cam1"] == two["cam3"]
    assert two["cam2"][0] - two["cam1"][0] == pytest.approx(3, abs=0.3)
    assert list(share_video("cam2").values()) == 3 * [[0, 0, False, 0, 0]]


def test_a_real_persons_inserted_offsets_are_recovered(real_data: Path, tmp_path: Path) -> None:
    from bkind3d.config import SurveyConfig
    from bkind3d.data.calibration_files import read_calibration
    from bkind3d.survey.location import read_sightings
    from bkind3d.survey.videos import survey_video

    folder = real_data / "pose2sim_single"
    surveys = {f"cam_0{number}": tmp_path / f"{number}.parquet" for number in range(1, 5)}
    for number, path in enumerate(surveys.values(), 1):
        survey_video(folder / "videos" / f"cam0{number}.mp4", SurveyConfig(close_px=14, min_contrast=20), path)
    cameras, _ = read_calibration(folder / "Calib_qualisys.toml")
    sightings = read_sightings(cameras, surveys, "rig")
    signals = read_signals(sightings.cameras, list(surveys.values()), sightings.frames)
    own, uncertainties = estimate_offsets(signals, 15)
    # Known to be synchronised to about two frames, and said with an uncertainty that is neither nothing nor everything.
    assert np.abs(own).max() < 2
    assert (uncertainties > 0.05).all()
    assert (uncertainties < 2).all()
    assert measure_drifts(signals, 15).tolist() == [0, 0, 0, 0]
    for view in range(4):
        for frames in range(6):
            angles, motion = signals.angles.copy(), signals.motion.copy()
            angles[:, view] = np.roll(angles[:, view], frames, axis=-1)
            motion[view] = np.roll(motion[view], frames)
            found, _ = estimate_offsets(Signals(angles[..., 5:], motion[:, 5:]), 15)
            change = found - own
            others = np.delete(change, view)
            assert change[view] - np.median(others) == pytest.approx(frames, abs=1)


def test_a_camera_that_falls_behind_is_told_from_one_that_is_late() -> None:
    for seed in range(3):
        assert measure_drifts(make_signals(600, seed=seed, late={2: 4}), 30).tolist() == [0, 0, 0, 0]
    assert measure_drifts(make_signals(600, noise=50), 30).tolist() == [0, 0, 0, 0]
    drifts = measure_drifts(make_signals(600, drift=9), 30)
    assert drifts[[0, 2, 3]].tolist() == [0, 0, 0]
    assert drifts[1] == pytest.approx(9, abs=2)


@pytest.mark.filterwarnings("error")
def test_cameras_that_agree_without_any_residual_give_no_warning() -> None:
    signals = make_signals()
    same = Signals(np.full_like(signals.angles, np.nan), np.repeat(signals.motion[:1], 4, axis=0))
    assert estimate_offsets(same, 30)[0] == pytest.approx(np.zeros(4), abs=0.1)


def test_signals_with_gaps_divide_by_nothing() -> None:
    signals = make_signals(n_frames=60)
    signals.angles[..., 22:] = np.nan
    signals.motion[:, 22:] = np.nan
    with np.errstate(divide="raise", invalid="raise"):
        offsets, _ = estimate_offsets(signals, 5)
    assert np.isfinite(offsets).all()


def test_cameras_in_one_place_have_no_line_between_them(scene: Scene) -> None:
    camera = scene.cameras["cam1"]
    with np.errstate(divide="raise", invalid="raise"):
        assert np.isnan(measure_angles(np.eye(3), camera, camera, [camera, camera])).all()
