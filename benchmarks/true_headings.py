"""Our methods with one thing given: headings are read from the truth in place of being found (for :mod:`benchmarks.error_budget`)."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bkind3d.config import MethodDescription, TrainingConfig, VolumeModelConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_table
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryExperiment, DiscoveryModelConfig
from bkind3d.methods.supervised.settings import SupervisedExperiment
from bkind3d.methods.volume import VolumeModel

TRUTH = Field(description="Table of the true poses of a session, with {session} in place of its name; relative to the study's folder.")


class TrueDiscoveryModelConfig(DiscoveryModelConfig):
    """The network of discovery."""

    truth: str = TRUTH


class TrueVolumeModelConfig(VolumeModelConfig):
    """The network that learns from joints."""

    truth: str = TRUTH


def _describe(method: MethodDescription, model: str) -> MethodDescription:
    return MethodDescription(**(vars(method) | {"title": f"{method.title}, headings given", "model": f"benchmarks.true_headings:{model}"}))


class TrueDiscoveryExperiment(DiscoveryExperiment):
    """Keypoint discovery."""

    description: ClassVar = _describe(DiscoveryExperiment.description, "TrueDiscoveryModel")
    model: TrueDiscoveryModelConfig


class TrueSupervisedExperiment(SupervisedExperiment):
    """The network that learns from joints."""

    description: ClassVar = _describe(SupervisedExperiment.description, "TrueVolumeModel")
    model: TrueVolumeModelConfig


class TrueVolumeModel(VolumeModel):
    """A network that looks into cubes turned by true headings."""

    def prepare(self, sessions: Sequence[SessionFrames], settings: TrainingConfig) -> dict[str, NDArray[np.float32]]:
        """Read the headings of all frames."""
        return {session.session: self.find_headings(session) for session in sessions}

    def find_headings(self, session: SessionFrames, device: str = "cpu") -> NDArray[np.float32]:
        """Read the headings of a session's frames."""
        path = self.config.truth.format(session=session.session)  # type: ignore[attr-defined]
        return read_table(path, "poses").set_index("frame")["heading"].loc[session.frames].to_numpy(np.float32)


class TrueDiscoveryModel(DiscoveryModel, TrueVolumeModel):
    """The network of discovery, with true headings."""
