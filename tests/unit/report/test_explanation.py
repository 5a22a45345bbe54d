import pytest

from bkind3d.checkpoint import Provenance, hash_file, save_model
from bkind3d.config import InputError
from bkind3d.data.parquet import hash_content
from bkind3d.data.results import read_json, write_json
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from bkind3d.report.explanation import explain_row

SMALL = DiscoveryModelConfig(n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", reconstruction=False)


@pytest.fixture
def study(toy):
    toy.write()
    frames = {"train1": [hash_content(path) for path in sorted((toy.results / "frames/subject/train1").glob("*.parquet"))]}
    for name, steps in (("model", 321), ("untrained", 0)):
        provenance = Provenance("feedbeef", steps, "mm", 7, data=frames)
        save_model(DiscoveryModel(SMALL), provenance, toy.results / f"experiments/tiny/training/{name}.pt")
    return toy


def test_every_file_behind_a_row_is_there_with_its_hash(study):
    table = study.results / "tables/pose.csv"
    text = explain_row(table, 1)
    model = study.results / "experiments/tiny/training/model.pt"
    assert f"results/experiments/tiny/training/model.pt  sha256 {hash_file(model)[:16]}" in text
    assert "training feedbeef, step 321, seed 7" in text
    assert "learned from the frames of train1 (2 cameras), as they are now" in text
    assert f"results/joints/test1.parquet  sha256 {hash_file(study.results / 'joints/test1.parquet')[:16]}" in text
    assert "training.steps: 321 (preset: 1300)" in text
    assert "evaluation.seed: 0" in text
    assert "torch 2" in text
    (study.results / "frames/subject/train1/cam1.parquet").write_bytes((study.results / "frames/subject/train1/cam2.parquet").read_bytes())
    assert "learned from the frames of train1 (2 cameras), CHANGED since, or gone" in explain_row(table, 1)


def test_the_untrained_network_is_another_file(study):
    text = explain_row(study.results / "tables/pose.csv", 2)
    assert "method untrained" in text
    assert "training/untrained.pt" in text
    assert "training feedbeef, step 0" in text


def test_a_table_that_is_older_than_its_file_is_told(study):
    judgement = study.results / "experiments/tiny/evaluation/pose.json"
    write_json(read_json(judgement) | {"rows": [{"method": "bkind3d", "pa_mpjpe": 19.0}]}, judgement)
    assert "CAUTION" not in explain_row(study.results / "tables/pose.csv", 1)
    write_json(read_json(judgement) | {"rows": [{"method": "bkind3d", "pa_mpjpe": 18.5}]}, judgement)
    assert "CAUTION: pose.json has another pa_mpjpe than the table; make the table again" in explain_row(
        study.results / "tables/pose.csv", 1
    )


def test_a_published_number_has_its_source(study):
    path = study.results / "tables/main.csv"
    path.write_text("name,origin,experiment,method,pa_mpjpe,dataset,source\nOthers,published,,,105,human36m,A table\n")
    assert explain_row(path, 1).endswith("Published by others and not measured here. Read in: A table")


@pytest.mark.parametrize(("number", "message"), [(0, "has no row 0; its rows are 1 to 4"), (5, "has no row 5; its rows are 1 to 4")])
def test_a_row_that_is_not_there_is_refused(study, number, message):
    with pytest.raises(InputError, match=message):
        explain_row(study.results / "tables/pose.csv", number)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "is none of the workflow's tables of results"),
        (b"", "is no CSV table"),
        (b"\xff\xfe\x00\x01", "is not a text in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_table_of_ours_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "other.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        explain_row(tmp_path / "other.csv", 1)


def test_files_that_are_gone_are_named(study):
    (study.results / "experiments/tiny/training/model.pt").unlink()
    with pytest.raises(InputError, match=r"model.pt: is gone; run the workflow again"):
        explain_row(study.results / "tables/pose.csv", 1)
