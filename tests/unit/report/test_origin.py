from bkind3d import __version__
from bkind3d.config import ExperimentConfig
from bkind3d.data.parquet import read_table
from bkind3d.methods.discovery.settings import PRESETS
from bkind3d.report.origin import (
    build_hashes,
    build_learning_charts,
    build_settings_table,
    build_stages,
    describe_weights,
    list_settings,
    list_versions,
    split_terms,
)


def make_experiment(**sections):
    return ExperimentConfig.model_validate({"preset": "demo", "frames": "subject", **sections})


def test_every_switch_is_listed_and_changes_are_marked():
    experiment = make_experiment(training={"steps": 7}, model={"volume_size": 64})
    table = build_settings_table(experiment)
    rows = {row[0].text: row for row in table.rows}
    assert set(rows) == {key for key, *_ in list_settings(experiment)}
    assert [cell.text for cell in rows["training.steps"][1:4]] == ["7", str(PRESETS["demo"]["training"]["steps"]), "100000"]
    assert rows["training.steps"][1].style == "changed"
    assert rows["model.volume_size"][1].style == "changed"
    assert rows["model.encoder"][1].style == "strong"
    assert rows["evaluation.bootstrap"][1].style == ""


def test_a_method_without_the_papers_preset_is_compared_with_its_own_alone():
    experiment = ExperimentConfig.model_validate({"method": "supervised", "frames": "subject", "training": {"steps": 7}})
    table = build_settings_table(experiment)
    rows = {row[0].text: row for row in table.rows}
    assert list(table.columns) == ["setting", "this run", "preset taught", "meaning"]
    assert [cell.text for cell in rows["training.steps"][1:3]] == ["7", "4000"]
    assert {row[1].style for key, row in rows.items() if key != "training.steps"} == {""}
    assert "paper" not in table.caption


def test_no_pretrained_weights_is_said_plainly():
    assert describe_weights(make_experiment()).text.startswith("No pretrained weights were used")


def test_pretrained_weights_are_named():
    experiment = make_experiment(preset="paper", model={"pretrained": "hub:microsoft/resnet-50"})
    text = describe_weights(experiment).text
    assert "hub:microsoft/resnet-50" in text
    assert "VGG19" in text
    own = make_experiment(preset="paper", model={"pretrained": "weights"}, losses={"perceptual": "backbone"})
    assert "the perceptual loss looked through the image encoder as it started" in describe_weights(own).text
    packaged = {"encoder": "efficientnet-lite0", "pretrained": "package"}
    lite = make_experiment(preset="paper", model=packaged, losses={"perceptual": "efficientnet-lite0"})
    started, looked = describe_weights(lite).text.split("; ")
    assert "the image encoder started from the published EfficientNet-Lite0 weights" in started
    assert "the perceptual loss looked through the published EfficientNet-Lite0 weights" in looked


def test_times_of_a_stages_jobs_are_added(toy):
    study = toy.write().open()
    assert build_stages(study) == []
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    for name, line in {
        "train_model/tiny.tsv": "120.0\t0:02:00\t984.5\t1\t1\t1\t1\t1\t1\t240.0",
        "survey_video/train1/cam1.tsv": "30.0\t0:00:30\t400.0\t1\t1\t1\t1\t1\t1\t27.0",
        "survey_video/train1/cam2.tsv": "60.0\t0:01:00\t433.4\t1\t1\t1\t1\t1\t1\t33.0",
        "write_report.tsv": "1.0\t0:00:01\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA",
    }.items():
        path = study.results.benchmarks() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + line + "\n")
    (table,) = build_stages(study)
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["survey video", "2", "1.5", "1.0", "0.43"],
        ["train model", "1", "2.0", "4.0", "0.98"],
        ["write report", "1", "0.0", "–", "–"],
    ]


def test_versions_are_those_installed():
    versions = dict(list_versions())
    assert versions["bkind3d"] == __version__
    assert {"python", "torch", "numpy", "opencv-contrib-python"} <= set(versions)


def test_hashes_of_inputs_are_shown(toy):
    (fold,) = build_hashes(toy.write().open(), ["test1"])
    hashes = {row[0].text: row[2].text for row in fold.elements[0].rows}
    assert hashes["survey/test1/cam1.parquet"] == "sha256 " + "ab" * 8
    assert hashes["calibration/arena.parquet"] == "board_videos.cam1 " + "cd" * 8
    assert hashes["location/test1.parquet"] == "–"


def test_terms_that_are_off_get_no_curve(toy):
    terms = split_terms(read_table(toy.write().open().results.history("tiny"), "history"))
    assert [term for term, _ in terms] == ["total", "silhouette", "coverage", "consistency"]
    assert len(build_learning_charts(terms)) == 4
