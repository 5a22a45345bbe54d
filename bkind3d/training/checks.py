"""Checks that every method passes, whoever wrote it: as ``check_estimator`` of scikit-learn does for estimators.

Another package calls :func:`check_method` in its tests with a small experiment of its method.
"""

import copy
import io
from dataclasses import replace
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from bkind3d.checkpoint import Provenance, load_model, save_model
from bkind3d.config import ExperimentConfig
from bkind3d.data.datasets import Moments, Views
from bkind3d.losses.running_mean import commit_running_means
from bkind3d.methods.base import Model
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments

#: Views of the made-up moments, and the side of their pictures.
N_VIEWS, SIZE = 3, 32


def make_training(config: ExperimentConfig) -> Training:
    """The module that trains a method, always from the same first weights."""
    torch.manual_seed(0)
    return Training(config.for_cameras(N_VIEWS), ["nose", "back", "tail"] if config.description.role == "supervised" else ())


def make_batch(module: Training, n: int) -> tuple[Moments, ...]:
    """Made-up samples for a module."""
    n_joints = len(module.model.names)
    return tuple(make_random_moments(n, N_VIEWS, SIZE, n_joints, seed) for seed in range(module.objective.n_moments))


def find_points(model: Model, views: Views) -> Tensor:
    """Points of a batch of moments that face ahead (world units)."""
    with torch.inference_mode():
        positions: Tensor = model(views, torch.zeros(len(views.sides))).positions
    return positions


def take_steps(module: Training, optimizer: torch.optim.Optimizer, steps: range) -> None:
    """Do some steps of the optimiser on samples that follow from the step's number."""
    n = module.config.training.batch_size
    for step in steps:
        module.step = step
        optimizer.zero_grad()
        module.compute(make_batch(module, n), module.objective.draw(step, N_VIEWS, n))
        commit_running_means(module)
        optimizer.step()


def check_names(config: ExperimentConfig) -> None:
    """Points have names, each its own: keypoints those of the settings, joints those that it was given."""
    names = make_training(config).model.names
    assert len(names) > 0 and len(set(names)) == len(names), f"points have the names {names}; give each its own"
    expected = config.model.keypoint_names or ["nose", "back", "tail"]
    assert names == expected, f"points have the names {names}, expected {expected}"


def check_seed(config: ExperimentConfig) -> None:
    """The same seed gives the same network, the same samples' randomness and the same step."""
    states = []
    for _ in range(2):
        module = make_training(config)
        take_steps(module, module.configure_optimizers()["optimizer"], range(1))
        states.append(module.state_dict())
    assert_equal(states[0], states[1], "after a step with the same seed")


def check_batches(config: ExperimentConfig) -> None:
    """A moment's points are the same alone and in a batch of three."""
    module = make_training(config).eval()
    views = make_batch(module, 3)[0].views
    together = find_points(module.model, views)
    alone = torch.cat([find_points(module.model, views.take(slice(row, row + 1))) for row in range(3)])
    apart = float((together - alone).abs().max() / views.sides.max())
    assert apart < 1e-4, f"points of a moment alone are {apart:.2g} of the cube's side from those in a batch; use no statistics of a batch"


def check_missing_views(config: ExperimentConfig) -> None:
    """Points are known when two views are left, and what stands in place of an absent view has no influence."""
    module = make_training(config).eval()
    views = make_batch(module, 2)[0].views
    present = views.present.clone()
    present[:, 0] = False
    images = views.images.clone()
    images[:, 0] = 1 - images[:, 0]
    answers = [find_points(module.model, replace(views, present=present, images=shown)) for shown in (views.images, images)]
    assert torch.isfinite(answers[0]).all(), "points are not finite where a view is absent"
    assert torch.equal(*answers), "points depend on the picture of a view that is absent"


def check_saving(config: ExperimentConfig) -> None:
    """A model that is saved and loaded gives the same points under the same names."""
    module = make_training(config).eval()
    provenance = Provenance("check", 0, "mm", 0, experiment=config.model_dump_json(), method=config.method)
    with TemporaryDirectory() as folder:
        save_model(module.model, provenance, f"{folder}/model.pt")
        loaded = load_model(f"{folder}/model.pt")[0].eval()
    views = make_batch(module, 2)[0].views
    assert loaded.names == module.model.names, f"a loaded model's points are called {loaded.names}, not {module.model.names}"
    assert torch.equal(find_points(loaded, views), find_points(module.model, views)), "a loaded model gives other points"


def check_resuming(config: ExperimentConfig) -> None:
    """Two steps, saving and two more give the weights of four steps, bit by bit: all that a step depends on is in the state."""
    straight = make_training(config)
    take_steps(straight, straight.configure_optimizers()["optimizer"], range(4))
    first = make_training(config)
    optimizer = first.configure_optimizers()["optimizer"]
    take_steps(first, optimizer, range(2))
    file = io.BytesIO()
    torch.save((first.state_dict(), copy.deepcopy(optimizer.state_dict())), file)
    file.seek(0)
    state, optimizer_state = torch.load(file, weights_only=True)
    torch.manual_seed(1)
    second = Training(straight.config, straight.model.names)
    second.load_state_dict(state)
    optimizer = second.configure_optimizers()["optimizer"]
    optimizer.load_state_dict(optimizer_state)
    take_steps(second, optimizer, range(2, 4))
    assert_equal(straight.state_dict(), second.state_dict(), "after resuming; keep what a step depends on in buffers")


def check_device(config: ExperimentConfig) -> None:
    """A step makes no tensor on another device, and reads no number back: it runs on the device ``meta``, which has no numbers."""
    module = make_training(config).to("meta")
    batch = tuple(moments.to("meta") for moments in make_batch(module, 2))
    draws = module.objective.draw(0, N_VIEWS, 2).take(range(2), torch.device("meta"))
    terms, _ = module.look(Moments.stack(batch), draws, progress=0.5)
    torch.autograd.backward(torch.stack(list(terms.values())).sum())
    views = batch[0].views
    estimate = module.eval().model(views, torch.zeros(2, device="meta"))
    strange = [name for name, value in vars(estimate).items() if value is not None and not value.is_meta]
    assert not strange, f"{', '.join(strange)} of an estimate are made on another device than its views"


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor], when: str) -> None:
    """Two states hold the same numbers."""
    different = [name for name, value in one.items() if not torch.equal(value, other[name])]
    assert not different, f"{', '.join(different[:3])} {'differs' if len(different) == 1 else 'differ'} {when}"


CHECKS = (check_names, check_seed, check_batches, check_missing_views, check_saving, check_resuming, check_device)


def check_method(config: ExperimentConfig) -> None:
    """Check the method of an experiment, which should be small: each check trains it for a few steps.

    Raises
    ------
    AssertionError : with a line that says what is wrong.
    """
    for check in CHECKS:
        check(config.without_published_weights())
