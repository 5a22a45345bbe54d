import numpy as np
import pytest

from bkind3d.config import InputError, SurveyConfig, parse_section
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.survey.given import BrightnessFinder, GivenFinder
from bkind3d.survey.room import RoomFiles
from bkind3d.survey.silhouettes import decode_mask
from bkind3d.survey.videos import survey_video
from tests.unit.survey.conftest import Scene

CONFIG = SurveyConfig()


def draw(frame: int) -> np.ndarray:
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 10 + 5 * frame : 30 + 5 * frame] = 255
    return mask


def test_given_masks_are_taken_as_they_are_within_the_region() -> None:
    region = np.ones((60, 80), bool)
    region[:30] = False
    picture = np.zeros((60, 80, 3), np.uint8)
    whole, part = GivenFinder(map(draw, range(3)), CONFIG), GivenFinder(map(draw, range(3)), CONFIG, region)
    for frame in range(3):
        assert np.array_equal(whole.find(picture).mask, draw(frame))
        found = part.find(picture)
        assert np.array_equal(found.mask, draw(frame) * region)
        assert found.clusters.tolist() == [[200, 19.5 + 5 * frame, 34.5, 10 + 5 * frame, 30, 29 + 5 * frame, 39]]


@pytest.mark.parametrize(("kind", "subject", "room"), [("dark", 40, 200), ("bright", 220, 60)])
def test_a_subject_at_rest_is_told_by_its_brightness(kind: str, subject: int, room: int) -> None:
    noise = np.random.default_rng(0).normal(0, 6, (5, 60, 80, 3))
    pictures = (np.where(draw(0)[..., None] > 0, subject, room) + noise).clip(0, 255).astype(np.uint8)
    found = BrightnessFinder(pictures, kind, CONFIG).find(pictures[0])  # type: ignore[arg-type]
    assert (found.mask == draw(0)).mean() > 0.99
    assert len(found.clusters) == 1


def test_a_survey_takes_given_masks_frame_by_frame(scene: Scene) -> None:
    usual = read_table(scene.surveys["cam1"], "survey", ["mask"])["mask"]
    masks = np.stack([decode_mask(content) for content in usual])[::-1]
    path, output = scene.folder / "masks.npz", scene.folder / "given.parquet"
    np.savez_compressed(path, masks=masks)
    survey_video(scene.videos["cam1"], CONFIG, output, start=4, stop=20, room=RoomFiles(silhouettes=path))
    table = read_table(output, "survey")
    assert [np.array_equal(decode_mask(one), other) for one, other in zip(table["mask"], masks[4:20], strict=True)] == [True] * 16
    assert table["area"].tolist() == pytest.approx([np.count_nonzero(mask) for mask in masks[4:20]])
    assert read_metadata(output)["remarks"] == []
    np.savez_compressed(path, masks=masks[:-1])
    with pytest.raises(InputError, match="holds masks of 29 frames, the video has 30"):
        survey_video(scene.videos["cam1"], CONFIG, output, room=RoomFiles(silhouettes=path))


def test_other_thresholds_are_refused_in_one_line() -> None:
    assert parse_section(SurveyConfig, {"threshold": "dark"}, "here").contrast == SurveyConfig().contrast == 4
    with pytest.raises(InputError, match="'dim' is neither a number above 0, nor bright or dark"):
        parse_section(SurveyConfig, {"threshold": "dim"}, "here")
