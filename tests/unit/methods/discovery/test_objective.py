"""The terms of a step: the same in any unit, begun when they should, with the features that the settings name."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoBackbone, AutoConfig

from bkind3d.checkpoint import load_model
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import Moments
from bkind3d.losses.running_mean import commit_running_means
from bkind3d.methods.base import Draws
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.objective import DiscoveryObjective
from bkind3d.networks import encoders
from bkind3d.networks.encoders import ImageEncoder
from bkind3d.training import trainer
from bkind3d.training.machine import Machine
from tests.unit.scenes import read_views, write_session

TINY = {"model_type": "resnet", "depths": [1, 1, 1, 1], "hidden_sizes": [16, 16, 32, 32], "layer_type": "basic", "embedding_size": 16}
DINO = {
    "model_type": "dinov3_vit",
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "patch_size": 16,
    "intermediate_size": 32,
}
SMALL = {"n_keypoints": 4, "volume_size": 8, "volume_channels": 4, "volume_levels": 1}


def make_experiment(preset: str = "demo", model: dict[str, object] | None = None, **losses: object) -> ExperimentConfig:
    training = {"steps": 4, "batch_size": 2, "log_every": 1, "precision": "32", "frame_gap_seconds": 0.1}
    small = SMALL | ({"n_symmetric_pairs": 1} if preset == "demo" else {})
    values = {"preset": preset, "frames": "f", "model": small | (model or {}), "losses": losses, "training": training}
    return parse_section(ExperimentConfig, values, "test")


#: Two samples as they are: nothing turned, mirrored, shifted, left out or distorted.
AS_THEY_ARE = Draws(2, None, torch.zeros(4), torch.zeros(4, dtype=torch.bool), torch.zeros(4, 3))


@pytest.fixture
def moments(tmp_path: Path) -> Moments:
    """The moments of two samples, in whose cubes nothing is turned."""
    return Moments(read_views(tmp_path, 4), torch.zeros(4), torch.empty(4, 0, 3))


def test_a_scene_in_metres_gives_the_terms_of_the_scene_in_millimetres(moments: Moments) -> None:
    """The range of the separation and the lengths are shares of the cube, not world units."""
    views = moments.views
    scaled = views.projections * torch.tensor([1000.0, 1000, 1000, 1])
    metres = replace(moments, views=replace(views, projections=scaled, centres=views.centres / 1000, sides=views.sides / 1000))
    torch.manual_seed(0)
    config = make_experiment(length=1.0, length_start=0.0)
    model = DiscoveryModel(config.model)
    objective = DiscoveryObjective(config, model).eval()
    one, other = (objective(model, scene, AS_THEY_ARE, 0.5)[0] for scene in (moments, metres))
    assert set(one) == {"separation", "consistency", "coverage", "inside", "length", "silhouette"}
    assert one["separation"] > 0 and one["length"] > 0
    for name, value in one.items():
        assert other[name].item() == pytest.approx(value.item(), rel=2e-3, abs=1e-6), name


def test_cubes_are_turned_by_heading_and_draw_together(moments: Moments) -> None:
    torch.manual_seed(0)
    config = make_experiment()
    model = DiscoveryModel(config.model)
    objective, turns = DiscoveryObjective(config, model), torch.tensor([0.7, -0.2, 2.0, 0.4])
    heading, half, drawn = (
        objective(model, replace(moments, headings=share * turns), replace(AS_THEY_ARE, turns=(1 - share) * turns), 0.5)[1]
        for share in (1.0, 0.5, 0.0)
    )
    torch.testing.assert_close(half, heading)
    torch.testing.assert_close(drawn, heading)
    assert not torch.allclose(objective(model, moments, AS_THEY_ARE, 0.5)[1], heading, atol=0.1)


def test_the_length_term_starts_after_the_warm_up_around_a_mean_that_is_ready(moments: Moments) -> None:
    config = make_experiment(length=2.0, length_start=0.3)
    model, views = DiscoveryModel(config.model), moments.views
    objective = DiscoveryObjective(config, model)
    assert objective(model, moments, AS_THEY_ARE, 0.29)[0]["length"] == 0
    commit_running_means(objective)
    assert (objective.lengths.means.value > 0).all()
    terms, positions = objective(model, moments, AS_THEY_ARE, 0.3)
    points = (positions - views.centres[:, None]) / views.sides[:, None, None]
    assert terms["length"].item() == pytest.approx(2 * objective.lengths(points, model.edges()).item())
    assert terms["length"] > 0


def test_a_distorted_appearance_is_drawn_for_every_view_and_learned_from(moments: Moments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "ENCODERS", dict(encoders.ENCODERS) | {"resnet18": TINY})
    config = make_experiment("paper", {"encoder": "resnet18"}, perceptual="pyramid")
    config = config.model_copy(update={"training": config.training.model_copy(update={"distort_appearance": 0.5})})
    torch.manual_seed(0)
    model = DiscoveryModel(config.model)
    objective = DiscoveryObjective(config, model).eval()
    draws = objective.draw(0, moments.views.present.shape[1], 2)
    assert draws.distortions is not None
    assert draws.distortions.shape[:2] == (2, moments.views.present.shape[1])
    torch.testing.assert_close(draws.take(range(1, 2), torch.device("cpu")).distortions, draws.distortions[1:])
    plain, distorted = (
        objective(model, moments, replace(AS_THEY_ARE, distortions=numbers), 0.5)[0]["reconstruction"]
        for numbers in (None, draws.distortions)
    )
    assert plain.item() != pytest.approx(distorted.item(), rel=1e-4)
    assert model.detector.encoder is not None
    weight = next(model.detector.encoder.parameters())
    (gradient,) = torch.autograd.grad(distorted, weight)
    assert gradient.abs().max() > 0


def test_the_perceptual_loss_looks_through_published_weights_whatever_the_encoder() -> None:
    config = make_experiment("paper", {"encoder": "resnet18"}, perceptual="efficientnet-lite0")
    perceptual = DiscoveryObjective(config, DiscoveryModel(config.model)).perceptual
    published = ImageEncoder("efficientnet-lite0", "package")
    picture = torch.rand(1, 3, 64, 64)
    assert perceptual is not None
    assert not list(perceptual.parameters())
    with torch.no_grad():
        levels, wanted = perceptual.levels(picture), published(picture)
    assert all(torch.equal(level, want) for level, want in zip(levels[1:], wanted, strict=True))


@pytest.mark.parametrize(("encoder", "shape"), [("resnet18", TINY), ("dinov3-small", DINO)])
def test_features_of_the_frozen_encoder_stay_those_that_it_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str, shape: dict[str, object]
) -> None:
    monkeypatch.setattr(encoders, "ENCODERS", {encoder: shape})
    AutoBackbone.from_config(AutoConfig.for_model(**shape)).save_pretrained(tmp_path / "weights")
    config = make_experiment(
        "paper", {"encoder": encoder, "pretrained": str(tmp_path / "weights"), "feature_channels": 4}, perceptual="backbone"
    )
    frames = {"one": write_session(tmp_path, "one")}
    seen = []
    original = trainer.fit

    def watch(module: trainer.Training, *arguments: object) -> None:
        picture = torch.rand(1, 3, 32, 32)
        before = module.objective.perceptual.levels(picture)
        original(module, *arguments)
        after, learned = module.objective.perceptual.levels(picture), module.model.detector.encoder(picture)
        seen.append(all(torch.equal(one, other) for one, other in zip(before, after, strict=True)))
        seen.append(not torch.allclose(after[-1], learned[-1]))
        seen.append(len(before) == 1 + len(learned))
        seen.append(not any("features" in name for name in module.state_dict()))

    monkeypatch.setattr(trainer, "fit", watch)
    folder = trainer.train_model(config, frames, tmp_path / "store", Machine("cpu"))
    assert seen == [True] * 4
    monkeypatch.setattr(encoders, "load_backbone", None)  # a model is rebuilt without the folder that it started from
    model, provenance = load_model(folder / "model.pt")
    assert provenance.encoder_revision == encoders.hash_weights(tmp_path / "weights")
    assert model.detector.encoder is not None
