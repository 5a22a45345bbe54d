from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.config import LocationConfig, SurveyConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import TABLES, read_metadata, read_table, write_table
from bkind3d.survey.location import Revision, locate_subject
from bkind3d.survey.revision import View, revise_silhouettes
from bkind3d.survey.silhouettes import Mask, decode_mask, describe_clusters, encode_mask, gather_clusters, read_silhouettes
from tests.unit.survey.conftest import make_cameras, make_track
from tests.unit.survey.test_floor import draw_body, draw_shadow

PLACES = make_track() * (1, 1, 0)
BODIES = PLACES + (0, 0, 120)
CAMERAS = make_cameras()
CONFIG = SurveyConfig(close_px=0)


def write_surveys(folder: Path, masks: dict[str, list[Mask]], shadows: dict[str, list[Mask]], **more: object) -> dict[str, Path]:
    """Surveys of all cameras, with these silhouettes and shadows."""
    paths = {}
    for name, camera in CAMERAS.items():
        rows = []
        for frame, (mask, shadow) in enumerate(zip(masks[name], shadows[name], strict=True)):
            clusters = describe_clusters(gather_clusters(mask & 1, CONFIG).clusters)
            found = {"mask": encode_mask(mask), "shadows": encode_mask(shadow), **clusters}
            rows.append(
                {"frame": frame, "time_s": frame / 30, "brightness": 90.0, "motion": 1.0, "fault": "", "video_frame": frame, **found}
            )
        width, height = camera.size
        metadata = {"width": width, "height": height, "video_width": width, "video_height": height, "rate": 30.0, **more}
        paths[name] = folder / f"{name}.parquet"
        write_table(pd.DataFrame(rows)[list(TABLES["survey"])], "survey", paths[name], metadata)
    write_calibration(CAMERAS, folder / "rig.toml", "mm")
    return paths


def draw_all(mirrored: bool = False) -> dict[str, list[Mask]]:
    """A ball in the air, or its picture in a floor like a mirror."""
    return {name: [draw_body(camera, body * (1, 1, -1 if mirrored else 1), 50.0) for body in BODIES] for name, camera in CAMERAS.items()}


def draw_shadows() -> dict[str, list[Mask]]:
    return {name: [draw_shadow(camera, place - (0, 100, 0)) for place in PLACES] for name, camera in CAMERAS.items()}


def halve(folder: Path, **more: object) -> dict[str, Path]:
    """Surveys of a ball whose lower half is taken for shadow as its shadow on the floor is."""
    whole, shadows, upper = draw_all(), draw_shadows(), draw_all()
    for name, masks in upper.items():
        for mask, ball, shadow in zip(masks, whole[name], shadows[name], strict=True):
            mask[round(float(np.argwhere(ball)[:, 0].mean())) :] = 0
            shadow[:] = (shadow | ball) & ~mask
    return write_surveys(folder, upper, shadows, **more)


def revise(paths: dict[str, Path], late: int = 0) -> dict[tuple[str, int], Mask]:
    """Silhouettes that change, by camera and frame; one camera may be late."""
    views = [View(name, CAMERAS[name], path, late if name == "cam1" else 0) for name, path in paths.items()]
    names, frames = list(paths), np.arange(len(PLACES))
    return {(names[view], position): found.mask for position, view, found in revise_silhouettes(CONFIG, views, frames)}


def overlap(first: Mask, second: Mask) -> float:
    return float(np.count_nonzero(first & second) / np.count_nonzero(first | second))


def test_what_stands_before_the_floor_is_given_back_and_the_shadow_is_not(tmp_path: Path) -> None:
    paths = halve(tmp_path)
    found, before = revise(paths), read_table(paths["cam1"], "survey")["mask"]
    whole, shadows = draw_all()["cam1"], draw_shadows()["cam1"]
    assert np.median([overlap(decode_mask(mask), ball) for mask, ball in zip(before, whole, strict=True)]) < 0.55
    assert np.median([overlap(found["cam1", frame], ball) for frame, ball in enumerate(whole)]) > 0.83
    for frame, (ball, shadow) in enumerate(zip(whole, shadows, strict=True)):
        assert (found["cam1", frame] > 0)[(shadow > 0) & (ball == 0)].mean() < 0.15


def test_what_the_floor_mirrors_is_not_the_subjects(tmp_path: Path) -> None:
    whole = draw_all()
    mirrored = {
        name: [ball | below for ball, below in zip(whole[name], masks, strict=True)] for name, masks in draw_all(mirrored=True).items()
    }
    found = revise(write_surveys(tmp_path, mirrored, draw_shadows()))
    assert np.median([overlap(mask, ball) for name in whole for mask, ball in zip(mirrored[name], whole[name], strict=True)]) < 0.7
    assert np.median([overlap(mask, whole[name][frame]) for (name, frame), mask in found.items()]) > 0.95
    assert len(found) > 0.9 * len(CAMERAS) * len(PLACES)


def test_what_one_view_does_not_see_stays_in_the_others(tmp_path: Path) -> None:
    masks = draw_all()
    for mask in masks["cam2"]:
        mask[:, round(float(np.argwhere(mask)[:, 1].mean())) :] = 0  # something stands before it
    assert not revise(write_surveys(tmp_path, masks, draw_shadows()))


def test_views_that_see_nothing_say_nothing(tmp_path: Path) -> None:
    paths = halve(tmp_path)
    for name in ("cam2", "cam3"):
        table, metadata = read_table(paths[name], "survey"), read_metadata(paths[name])
        table.loc[table["frame"] >= 15, "fault"] = "covered"
        write_table(table, "survey", paths[name], {key: value for key, value in metadata.items() if key not in ("table", "version")})
    assert {frame for name, frame in revise(paths) if name == "cam1"} == set(range(15))


def test_a_camera_that_is_late_is_compared_with_the_moment_that_it_shows(tmp_path: Path) -> None:
    paths, late = halve(tmp_path), 4
    table, metadata = read_table(paths["cam1"], "survey"), read_metadata(paths["cam1"])
    columns = [name for name in table if name not in ("frame", "time_s", "video_frame")]
    table[columns] = table[columns].shift(late)
    table.loc[: late - 1, "fault"] = "missing"
    table.loc[: late - 1, ["mask", "shadows"]] = b""
    write_table(table, "survey", paths["cam1"], {key: value for key, value in metadata.items() if key not in ("table", "version")})
    found, whole = revise(paths, late), draw_all()["cam1"]
    assert np.median([overlap(found["cam1", frame], ball) for frame, ball in enumerate(whole) if ("cam1", frame) in found]) > 0.83


@pytest.mark.parametrize("more", [{"region": True}, {}])
def test_without_views_that_speak_or_a_floor_nothing_changes(tmp_path: Path, more: dict[str, object]) -> None:
    paths = halve(tmp_path, **more)
    assert not revise(paths if more else {"cam1": paths["cam1"]})


def test_the_subject_is_where_its_revised_silhouettes_are(tmp_path: Path) -> None:
    paths, height = halve(tmp_path), {}
    for name, revision in {"as found": None, "revised": Revision(CONFIG, tmp_path / "silhouettes.parquet")}.items():
        locate_subject(LocationConfig(smooth_seconds=0), tmp_path / "rig.toml", paths, tmp_path / "location.parquet", revision)
        height[name] = float(read_table(tmp_path / "location.parquet", "location")["z"].median())
    assert abs(height["revised"] - 120) < 8 < abs(height["as found"] - 120)
    masks = read_silhouettes(paths["cam1"], "cam1", tmp_path / "silhouettes.parquet", [3, 4])
    assert [overlap(decode_mask(masks[frame]), draw_all()["cam1"][frame]) > 0.8 for frame in (3, 4)] == [True, True]
    assert masks.index.tolist() == [3, 4]
    unrevised = read_silhouettes(paths["cam1"], "cam1", None)
    assert unrevised.tolist() == read_table(paths["cam1"], "survey")["mask"].tolist()
