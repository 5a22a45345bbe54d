"""Classifiers of behaviour: the paper's 1D-convolution network, a random forest, and boosted trees."""

import logging
import warnings
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from lightning import LightningModule, Trainer
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from bkind3d.config import ActionsConfig

Features = Float[NDArray, "window sample channel"]
Labels = Int[NDArray, "window"]
Scores = Float[NDArray, "window behaviour"]

#: Widths of the network's layers, and their kernel (paper, section on action recognition).
_WIDTHS, _KERNEL = (128, 64, 32), 5
_BATCH = 32


class ActionNetwork(LightningModule):
    """Three layers of convolution over time, each with batch norm, ReLU, pooling by 2 and dropout; then one linear layer."""

    def __init__(self, n_samples: int, n_channels: int, class_weights: Float[Tensor, " behaviour"]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in _WIDTHS:
            layers += [nn.Conv1d(n_channels, width, _KERNEL, padding="same"), nn.BatchNorm1d(width)]
            layers += [nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(0.5)]
            n_channels = width
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(n_channels * (n_samples // 2 ** len(_WIDTHS)), len(class_weights)))
        self.loss = nn.CrossEntropyLoss(class_weights)

    def forward(self, windows: Float[Tensor, "batch sample channel"]) -> Float[Tensor, "batch behaviour"]:
        """Logits of the behaviours."""
        logits: Tensor = self.layers(windows.transpose(1, 2))
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Weighted cross-entropy of a batch."""
        windows, labels = batch
        loss: Tensor = self.loss(self(windows), labels)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, as is usual for this network; the paper names no other."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def balance_classes(labels: Labels, n_classes: int) -> Float[NDArray, "behaviour"]:
    """Weights that give every behaviour of the training windows the same say; 0 for one that is not among them."""
    counts = np.bincount(labels, minlength=n_classes)
    return np.where(counts > 0, len(labels) / (np.maximum(counts, 1) * (counts > 0).sum()), 0.0)


def _train_network(features: Features, labels: Labels, n_classes: int, config: ActionsConfig) -> ActionNetwork:
    """Train the network; the same seed gives the same weights, and nobody else's random numbers change."""
    data = TensorDataset(torch.as_tensor(features), torch.as_tensor(labels))
    order = torch.Generator().manual_seed(config.seed)
    # Few windows make small batches, for the sake of enough steps; batch norm needs more than one window in each.
    batch = min(_BATCH, max(4, len(data) // 16))
    loader = DataLoader(data, batch, shuffle=True, generator=order, drop_last=len(data) > batch)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    options: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # What Lightning says of its own insides, and of workers that these few windows do not need.
        warnings.filterwarnings("ignore", module="lightning")
        torch.manual_seed(config.seed)
        weights = torch.as_tensor(balance_classes(labels, n_classes), dtype=torch.float32)
        network = ActionNetwork(features.shape[1], features.shape[2], weights)
        # The plain environment: within a job of a cluster, Lightning would else look for its sister processes.
        trainer = Trainer(accelerator="cpu", devices=1, max_epochs=config.epochs, plugins=[LightningEnvironment()], **options)
        trainer.fit(network, loader)
    return network.eval()


def summarise_channels(windows: Features) -> Float[NDArray, "window statistic"]:
    """Mean, spread, extremes and change of every channel over a window: what trees can cut."""
    statistics = [windows.mean(axis=1), windows.std(axis=1), windows.min(axis=1), windows.max(axis=1), windows[:, -1] - windows[:, 0]]
    return np.concatenate(statistics, axis=1)


def _score_by_trees(train: Features, labels: Labels, test: Features, n_classes: int, config: ActionsConfig) -> Scores:
    """Train a forest or boosted trees, every behaviour with the same say; behaviours that were never seen score 0."""
    if config.classifier == "forest":
        trees: Any = RandomForestClassifier(n_estimators=200, class_weight="balanced", random_state=config.seed, n_jobs=1)
    else:
        trees = HistGradientBoostingClassifier(class_weight="balanced", random_state=config.seed, early_stopping=False)
    trees.fit(summarise_channels(train), labels)
    scores = np.zeros((len(test), n_classes))
    scores[:, trees.classes_] = trees.predict_proba(summarise_channels(test))
    return scores


def classify_windows(train: Features, labels: Labels, test: Features, n_classes: int, config: ActionsConfig) -> Scores:
    """Train the configured classifier on the training windows; score every behaviour in each test window.

    Parameters
    ----------
    train, test : of :func:`bkind3d.evaluation.motion_windows.Windows.describe`.
    labels : behaviours of the training windows, from 0 up to, not including, `n_classes`.

    Returns
    -------
    Probabilities; the largest of a window is the behaviour that the classifier sees in it.
    """
    if config.classifier != "conv1d":
        return _score_by_trees(train, labels, test, n_classes, config)
    mean, spread = train.mean(axis=(0, 1)), train.std(axis=(0, 1))
    spread = np.where(spread > 0, spread, 1).astype(np.float32)
    network = _train_network((train - mean) / spread, labels, n_classes, config)
    with torch.no_grad():
        logits = [network(batch) for batch in torch.split(torch.as_tensor((test - mean) / spread), 1024)]
    return np.asarray(torch.cat(logits).softmax(dim=1).double().numpy())
