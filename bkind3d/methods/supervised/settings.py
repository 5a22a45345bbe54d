"""Settings of the supervised network."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from bkind3d.config import RATE_PRESET, VOLUME_PRESET, ExperimentConfig, LabelledTrainingConfig, MethodDescription, VolumeModelConfig

#: Network, optimiser and cubes of the discovery that it is compared with; a sample is one moment in place of two.
TRAINING_PRESET = RATE_PRESET | {"steps": 4000, "batch_size": 8, "turn_degrees": 30.0, "jitter": 0.05}


class SupervisedExperiment(ExperimentConfig):
    """The network of discovery, taught by the joints of the training sessions."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="taught",
        title="the same network, taught by joints",
        role="supervised",
        supervision="3D",
        model="bkind3d.methods.volume:VolumeModel",
        objective="bkind3d.methods.supervised.objective:JointDistance",
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {"taught": {"model": VOLUME_PRESET, "training": TRAINING_PRESET}}

    preset: Literal["taught"] = Field("taught", description="Where the settings start from.")
    model: VolumeModelConfig = Field(default_factory=VolumeModelConfig)
    training: LabelledTrainingConfig = Field(default_factory=LabelledTrainingConfig)
