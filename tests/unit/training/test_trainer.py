"""Training: resumed exactly, never repeated, refused where it cannot work; and it learns."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import lightning
import numpy as np
import pandas as pd
import pytest
import torch

from bkind3d.checkpoint import load_model, read_content
from bkind3d.config import TRAINING_REVISION, ExperimentConfig, InputError, parse_section
from bkind3d.data.datasets import PairDataset, SessionFrames
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.model.discovery import KeypointDetector
from bkind3d.training import trainer
from bkind3d.training.draws import drop_views
from bkind3d.training.identity import hash_frames, identify_training
from bkind3d.training.lock import locked
from bkind3d.training.machine import Machine
from bkind3d.training.module import DiscoveryTraining
from bkind3d.training.objective import Objective
from bkind3d.training.previews import Previews
from bkind3d.training.resume import ResumeCheckpoint
from bkind3d.training.validation import Validation
from tests.unit.scenes import write_session


def small_experiment(steps: int, **losses: float) -> ExperimentConfig:
    values = {
        "preset": "demo",
        "frames": "subject",
        "model": {"n_keypoints": 4, "n_symmetric_pairs": 1, "volume_size": 8, "volume_channels": 4, "volume_levels": 1},
        "losses": losses,
        "training": {"steps": steps, "batch_size": 2, "log_every": 1, "precision": "32", "drop_views": 0.3},
    }
    return parse_section(ExperimentConfig, values, "test")


def with_training(config: ExperimentConfig, **settings: object) -> ExperimentConfig:
    return config.model_copy(update={"training": config.training.model_copy(update=settings)})


def plain_experiment() -> ExperimentConfig:
    """Plain gradient descent: AdamW's first steps have the same size however small a gradient is, that of rounding included."""
    settings = {"batch_size": 4, "optimizer": "sgd", "learning_rate": 0.03, "warmup_steps": 0, "drop_views": 0.3}
    return with_training(small_experiment(3, length=1.0, length_start=0.0), **settings)


CPU = Machine("cpu")


def signal_after(monkeypatch, n: int) -> None:
    """End the training with a signal while it computes step `n`, as schedulers do."""
    original = DiscoveryTraining.training_step

    def interrupted(self, batch, batch_index) -> None:
        original(self, batch, batch_index)
        if self.step == n:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(DiscoveryTraining, "training_step", interrupted)


def assert_equal_models(one: Path, other: Path, tolerance: float = 0.0) -> None:
    weights = [load_model(folder / "model.pt")[0].state_dict() for folder in (one, other)]
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], rtol=0, atol=tolerance), name


def test_a_training_that_a_signal_ends_continues_exactly(tmp_path, monkeypatch) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    config = small_experiment(4, length=1.0, length_start=0.0)
    straight = trainer.train_model(config, frames, tmp_path / "straight", CPU)
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        signal_after(patch, 2)
        with pytest.raises(SystemExit, match="stopped by SIGTERM after step 2; the same command goes on from the last checkpoint"):
            trainer.train_model(config, frames, tmp_path / "resumed", CPU)
    assert signal.getsignal(signal.SIGTERM) == before
    assert not list((tmp_path / "resumed").glob("*/model.pt"))
    resumed = trainer.train_model(config, frames, tmp_path / "resumed", CPU)
    assert_equal_models(straight, resumed)
    histories = [read_table(folder / "history.parquet", "history") for folder in (straight, resumed)]
    pd.testing.assert_frame_equal(histories[0].drop(columns="seconds"), histories[1].drop(columns="seconds"))
    assert not (resumed / "resume.pt").exists()


def test_a_checkpoint_of_other_keypoints_is_refused(tmp_path, monkeypatch) -> None:
    frames, config = {"one": write_session(tmp_path, "one")}, small_experiment(3)
    more = config.model_copy(update={"model": config.model.model_copy(update={"n_keypoints": 5})})
    store, hashes = tmp_path / "store", hash_frames(frames)
    with monkeypatch.context() as patch:
        signal_after(patch, 1)
        with pytest.raises(SystemExit):
            trainer.train_model(config, frames, store, CPU)
    here, there = (store / identify_training(settings, hashes) for settings in (config, more))
    there.mkdir()
    shutil.copyfile(here / "resume.pt", there / "resume.pt")
    with pytest.raises(
        InputError, match=rf"resume.pt: is a checkpoint of training {here.name}, with other settings .*; delete .*resume.pt"
    ):
        trainer.train_model(more, frames, store, CPU)


def test_a_training_killed_after_its_last_step_needs_no_further_step(tmp_path, monkeypatch) -> None:
    frames, config = {"one": write_session(tmp_path, "one")}, small_experiment(3)
    straight = trainer.train_model(config, frames, tmp_path / "straight", CPU)
    with monkeypatch.context() as patch:
        signal_after(patch, 3)
        with pytest.raises(SystemExit):
            trainer.train_model(config, frames, tmp_path / "killed", CPU)
    assert_equal_models(straight, trainer.train_model(config, frames, tmp_path / "killed", CPU))


@pytest.mark.parametrize("size", [1, 3])
def test_micro_batches_change_nothing(tmp_path, monkeypatch, size: int) -> None:
    frames = {"one": write_session(tmp_path, "one", n_views=4)}
    config = plain_experiment()
    whole = trainer.train_model(config, frames, tmp_path / "whole", CPU)
    parts = trainer.train_model(with_training(config, micro_batch_size=size), frames, tmp_path / "parts", CPU)
    assert whole.name == parts.name
    assert_equal_models(whole, parts, 1e-5)
    first, last = (load_model(whole / name)[0].state_dict()["detector.volume_network.head.weight"] for name in ("untrained.pt", "model.pt"))
    assert (first - last).abs().max() > 1e-3


def full_above(monkeypatch, n_moments: int) -> None:
    """Memory that holds `n_moments` at once and no more."""
    original = KeypointDetector.forward

    def limited(self, views, *arguments):
        if len(views.sides) > n_moments:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, views, *arguments)

    monkeypatch.setattr(KeypointDetector, "forward", limited)


def test_full_memory_makes_micro_batches_smaller_until_they_fit(tmp_path, monkeypatch) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    config = plain_experiment()
    whole = trainer.train_model(config, frames, tmp_path / "whole", CPU)
    monkeypatch.setattr(Previews, "on_train_batch_end", lambda *_: None)
    full_above(monkeypatch, 2)
    assert_equal_models(whole, trainer.train_model(config, frames, tmp_path / "parts", CPU), 1e-5)


def test_validation_takes_no_more_memory_than_training(tmp_path, monkeypatch) -> None:
    frames = {name: write_session(tmp_path, name, seed=seed) for seed, name in enumerate(("one", "two"))}
    config = with_training(small_experiment(1), validation_sessions=("two",), validation_pairs=5, micro_batch_size=1)
    monkeypatch.setattr(Previews, "on_train_batch_end", lambda *_: None)
    full_above(monkeypatch, 2)
    folder = trainer.train_model(config, frames, tmp_path / "store", CPU)
    assert np.isfinite(read_table(folder / "history.parquet", "history").query("term == 'validation_total'")["value"]).all()


def test_memory_that_holds_no_sample_is_told_with_three_things_to_change(tmp_path, monkeypatch) -> None:
    full_above(monkeypatch, 1)
    with pytest.raises(InputError, match=r"activation_checkpointing: true, a smaller model.volume_size, or a smaller size of the frameset"):
        trainer.train_model(small_experiment(2), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)


def break_at(monkeypatch, steps: range) -> None:
    """Make a loss that is not finite at some steps."""
    original = Objective.forward

    def broken(self, model, views, estimate, progress, distortions):
        terms = original(self, model, views, estimate, progress, distortions)
        if round(progress * 20) in steps:
            terms["coverage"] = terms["coverage"] * torch.nan
        return terms

    monkeypatch.setattr(Objective, "forward", broken)


def test_a_step_that_is_not_finite_is_skipped_and_named(tmp_path, monkeypatch, caplog) -> None:
    break_at(monkeypatch, range(4, 6))
    folder = trainer.train_model(small_experiment(20, length=1.0), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    assert "step 4 is skipped: the term coverage is not finite" in caplog.text
    history = read_table(folder / "history.parquet", "history")
    assert history.query("term == 'skipped'")["step"].tolist() == [4, 5]
    assert all(value.isfinite().all() for value in load_model(folder / "model.pt")[0].state_dict().values())


def test_averages_do_not_begin_with_a_step_that_is_not_finite(tmp_path, monkeypatch) -> None:
    original = Objective.forward

    def broken(self, model, views, estimate, progress, distortions):
        spoilt = replace(estimate, positions=estimate.positions * torch.nan) if progress == 0 else estimate
        return original(self, model, views, spoilt, progress, distortions)

    monkeypatch.setattr(Objective, "forward", broken)
    folder = trainer.train_model(small_experiment(12, length=1.0), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    history = read_table(folder / "history.parquet", "history")
    assert history.query("term == 'skipped'")["step"].tolist() == [0]
    assert np.isfinite(history.query("step > 0")["value"]).all()


def test_ten_steps_in_a_row_that_are_not_finite_stop_the_training(tmp_path, monkeypatch) -> None:
    break_at(monkeypatch, range(3, 20))
    with pytest.raises(InputError, match=r"the term coverage is not finite at step 12, the 10th in a row; lower training.learning_rate"):
        trainer.train_model(small_experiment(20), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)


def test_a_full_disk_leaves_the_old_checkpoint_and_the_training_goes_on(tmp_path, monkeypatch, caplog) -> None:
    frames, config = {"one": write_session(tmp_path, "one")}, with_training(small_experiment(3), checkpoint_minutes=1e-9)
    straight = trainer.train_model(config, frames, tmp_path / "straight", CPU)
    original, sizes = ResumeCheckpoint.save, []

    def save(self, *arguments) -> None:
        # No file may grow beyond a kilobyte while the second checkpoint is written.
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 if len(sizes) == 1 else soft, hard))
        try:
            original(self, *arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sizes.append(read_content(self.path, "bkind3d-resume", TRAINING_REVISION, "")["step"])

    monkeypatch.setattr(ResumeCheckpoint, "save", save)
    assert_equal_models(straight, trainer.train_model(config, frames, tmp_path / "full", CPU))
    assert sizes == [1, 1, 3]
    assert "no checkpoint at step 2 (" in caplog.text


def test_one_process_at_a_time_trains_a_model(tmp_path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    code = f"from pathlib import Path\nfrom bkind3d.training.lock import locked\nwith locked(Path({str(folder)!r})): print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "1\n"
        with pytest.raises(InputError, match=rf"process {other.pid} on .* trains this model right now"), locked(folder):
            pass
        other.kill()
        other.wait()
        with locked(folder):
            assert (folder / "lock").read_text().startswith(f"process {os.getpid()}")


def test_validation_keeps_the_best_model_and_ends_early(tmp_path, monkeypatch) -> None:
    frames = {name: write_session(tmp_path, name, seed=seed) for seed, name in enumerate(("one", "two"))}
    config = with_training(small_experiment(20), validation_sessions=("two",), validation_every=2, validation_pairs=4, patience=3)
    values = iter([5.0, 4.0, 6.0, 7.0, 4.5])
    original = Validation.compute
    monkeypatch.setattr(Validation, "compute", lambda self, module: {**original(self, module), "total": torch.tensor(next(values))})
    folder = trainer.train_model(config, frames, tmp_path / "store", CPU)
    assert load_model(folder / "model.pt")[1].steps == 4
    assert load_model(folder / "last.pt")[1].steps == 10
    edges = [load_model(folder / name)[0].edges().detach().numpy() for name in ("model.pt", "last.pt")]
    assert np.allclose(read_table(folder / "edges.parquet", "edges")["weight"], edges[0])
    assert not np.allclose(*edges)
    history = read_table(folder / "history.parquet", "history")
    assert history["step"].max() == 9
    assert set(history["term"]) >= {"validation_total", "validation_consistency"}


def test_validation_computes_the_same_for_the_same_weights_and_sees_held_out_sessions_alone(tmp_path) -> None:
    sessions = [SessionFrames(write_session(tmp_path, "two", seed=1))]
    module = DiscoveryTraining(with_training(small_experiment(5), validation_pairs=6))
    lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False).strategy.connect(module)
    module.trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    validation = Validation(sessions, trainer.Provenance("x", 0, "mm", 0), tmp_path / "best.pt")
    first, second = validation.compute(module), validation.compute(module)
    assert first == second
    assert module.training
    assert sum(len(batch[0].sides) for batch in validation.batches) == 6


def test_places_on_the_body_come_from_sessions_that_are_learned_from_alone(tmp_path) -> None:
    frames = {name: write_session(tmp_path, name, seed=seed, radii=(3, 4, 5, 7)) for seed, name in enumerate(("one", "two"))}
    alone = trainer.train_model(small_experiment(1), {"one": frames["one"]}, tmp_path / "store", CPU)
    watched = trainer.train_model(with_training(small_experiment(1), validation_sessions=("two",)), frames, tmp_path / "store", CPU)
    places = [load_model(folder / "untrained.pt")[0].detector.places for folder in (alone, watched)]
    assert places[0].abs().max() > 0.05
    assert torch.equal(*places)


def test_a_term_that_begins_late_does_not_decide_which_step_was_the_best(tmp_path) -> None:
    module = DiscoveryTraining(with_training(small_experiment(10, length=1.0, length_start=0.5), validation_pairs=2))
    module.trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    validation = Validation([SessionFrames(write_session(tmp_path, "two"))], trainer.Provenance("x", 0, "mm", 0), tmp_path / "best.pt")
    early = validation.compute(module)
    module.step = 9
    assert validation.compute(module) == early
    assert early["length"] > 0


def test_a_look_without_a_finite_value_is_never_the_best(tmp_path) -> None:
    module = DiscoveryTraining(small_experiment(10))
    module.trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    validation = Validation([], trainer.Provenance("x", 0, "mm", 0), tmp_path / "best.pt")
    for step, value in enumerate((float("nan"), 3.0, float("nan")), 1):
        module.step = step
        validation.judge(module.trainer, module, value)
    assert module.best == {"value": 3.0, "step": 2, "stale": 1}


def test_held_out_sessions_have_to_be_there(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    for held_out, message in ((("three",), "'three' is not a training session; those are one"), (("one",), "leave at least one")):
        with pytest.raises(InputError, match=message):
            trainer.train_model(with_training(small_experiment(2), validation_sessions=held_out), frames, tmp_path / "store", CPU)


def test_previews_and_curves_are_written_while_training(tmp_path) -> None:
    folder = trainer.train_model(small_experiment(3), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    picture = cv2.imread(str(folder / "preview.jpg"))
    assert picture.shape == (3 * 160, 3 * 160, 3)
    assert picture.std() > 10
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))


def test_two_processes_give_the_model_of_one(tmp_path) -> None:
    paths, config = write_session(tmp_path, "one"), plain_experiment()
    one = trainer.train_model(config, {"one": paths}, tmp_path / "one_process", CPU)
    (tmp_path / "experiment.json").write_text(config.model_dump_json())
    outputs = [f"--{name}={tmp_path / name}" for name in ("output", "untrained", "history", "edges")]
    command = [sys.executable, "-m", "bkind3d", "train-model", f"--config={tmp_path / 'experiment.json'}", "--device=cpu", "--devices=2",
               "--workers=1", "--threads=1", f"--store={tmp_path / 'two'}", f"--frames=one={','.join(map(str, paths))}", *outputs]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_equal_models(one, tmp_path / "two" / one.name, 1e-5)
    assert (tmp_path / "output").read_bytes() == (tmp_path / "two" / one.name / "model.pt").read_bytes()


def test_a_complete_training_is_not_repeated_and_another_one_does_not_touch_it(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    first = trainer.train_model(small_experiment(2), frames, tmp_path / "store", CPU)
    written = (first / "model.pt").stat().st_mtime_ns
    assert trainer.train_model(small_experiment(2), frames, tmp_path / "store", CPU) == first
    assert trainer.train_model(small_experiment(3), frames, tmp_path / "store", CPU) != first
    assert (first / "model.pt").stat().st_mtime_ns == written
    trainer.deliver(first, {"model": tmp_path / "out" / "model.pt"})
    assert (tmp_path / "out" / "model.pt").read_bytes() == (first / "model.pt").read_bytes()


def test_identity_depends_on_settings_and_data_but_not_on_evaluation(tmp_path) -> None:
    paths, others = write_session(tmp_path, "one"), write_session(tmp_path, "two", seed=1)
    config = small_experiment(2)
    judged = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"regressor": "ridge"})})
    hashes = hash_frames({"one": paths})
    assert identify_training(config, hashes) == identify_training(judged, hash_frames({"one": list(reversed(paths))}))
    assert identify_training(config, hashes) == identify_training(with_training(config, activation_checkpointing=True), hashes)
    moved = config.model_copy(update={"losses": config.losses.model_copy(update={"vgg19_weights": "elsewhere/vgg19.pth"})})
    assert identify_training(config, hashes) == identify_training(moved, hashes)
    assert identify_training(config, hashes) != identify_training(small_experiment(3), hashes)
    assert identify_training(config, hashes) != identify_training(config, hash_frames({"one": others}))


def test_identity_depends_on_the_content_of_first_weights(tmp_path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    (weights / "model.safetensors").write_bytes(b"one")
    config = ExperimentConfig.model_validate({"preset": "paper", "frames": "f", "model": {"pretrained": str(weights)}})
    hashes = {"one": ["abc"]}
    first = identify_training(config, hashes)
    (weights / "model.safetensors").write_bytes(b"two")
    assert identify_training(config, hashes) != first
    (weights / "model.safetensors").write_bytes(b"one")
    assert identify_training(config, hashes) == first
    (weights / "model.safetensors").rename(weights / "model-00001-of-00002.safetensors")
    assert identify_training(config, hashes) != first


def test_training_lowers_the_loss(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one", n_frames=20)}
    folder = trainer.train_model(small_experiment(60), frames, tmp_path / "store", CPU)
    total = read_table(folder / "history.parquet", "history").query("term == 'total'")["value"].to_numpy()
    assert total[-15:].mean() < 0.9 * total[:15].mean()
    edges = read_table(folder / "edges.parquet", "edges")
    assert len(edges) == 6
    assert (edges["weight"] >= 0).all()


@pytest.mark.parametrize("preset", ["demo", "paper"])
def test_several_rigs_and_views_that_miss_frames_train_one_model(tmp_path, preset: str) -> None:
    """Two cameras, and seven at other distances with other lenses, each missing a third of the frames: every step is sound."""
    frames = {
        "pair": write_session(tmp_path, "pair", n_views=2),
        "ring": write_session(tmp_path, "ring", n_frames=16, n_views=7, seed=1, distances=(300.0, 800.0, 2000.0), missing=0.35),
    }
    lost = ~SessionFrames(frames["ring"]).valid
    assert 0.15 < lost.mean() < 0.5 and lost.any(axis=0).all()
    config = small_experiment(8)
    if preset == "paper":
        values = {
            "preset": "paper",
            "frames": "f",
            "model": {"n_keypoints": 4, "volume_size": 8, "volume_channels": 4, "volume_levels": 1, "encoder": "resnet18"},
            "losses": {"perceptual": "pyramid", "length_start": 0.0},
            "training": {"steps": 3, "batch_size": 2, "log_every": 1, "precision": "32", "frame_gap_seconds": 0.1},
        }
        config = parse_section(ExperimentConfig, values, "test")
    folder = trainer.train_model(config, frames, tmp_path / "store", CPU)
    history = read_table(folder / "history.parquet", "history")
    assert np.isfinite(history["value"]).all()
    assert "skipped" not in set(history["term"])
    dataset = PairDataset([SessionFrames(paths) for paths in frames.values()], 16, 2, config.training.seed, config.pair_gap_seconds)
    assert {int(dataset[index][0].present.sum()) for index in range(16)} >= {2, 4}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_named_in_one_line_whoever_reads_it(tmp_path, workers: int) -> None:
    paths = write_session(tmp_path, "one")
    table = read_table(paths[1], "frames")
    table["image"] = [b"x" if frame == 5 else image for frame, image in zip(table["frame"], table["image"], strict=True)]
    write_table(table, "frames", paths[1], {k: v for k, v in read_metadata(paths[1]).items() if k not in ("table", "version")})
    config = small_experiment(40)
    plain = config.model_copy(update={"model": config.model.model_copy(update={"heading": False, "place_spread": None})})
    with pytest.raises(InputError) as error:
        trainer.train_model(plain, {"one": paths}, tmp_path / "store", Machine("cpu", workers=workers))
    assert str(error.value) == f"{paths[1]}: the picture in row 5 cannot be decoded; delete the file and run again"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(InputError, match="--device cuda: torch finds no GPU here"):
        trainer.train_model(small_experiment(1), {"one": write_session(tmp_path, "one", 3)}, tmp_path / "store", Machine("cuda"))


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with pytest.raises(InputError, match=r"cannot be locked \(No locks available\); keep results on a file system"), locked(tmp_path):
        pass


def test_worlds_of_different_units_are_refused(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one"), "two": write_session(tmp_path, "two")}
    for path in frames["two"]:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        write_table(read_table(path, "frames"), "frames", path, metadata | {"units": "m"})
    with pytest.raises(InputError, match="session two: its rig is in m"):
        trainer.train_model(small_experiment(2), frames, tmp_path / "store", CPU)


def test_dropping_views_leaves_two(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_views=4))
    dropped = [
        drop_views(session.decode(0), 0.5, torch.rand(1, 4, generator=torch.Generator().manual_seed(i))).present.sum().item()
        for i in range(30)
    ]
    assert min(dropped) == 2
    assert max(dropped) > 2
