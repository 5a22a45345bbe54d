"""Settings of the supervised network."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from bkind3d.config import ExperimentConfig, MethodDescription, VolumeModelConfig

#: Network, optimiser and cubes of the discovery that it is compared with; a sample is one moment in place of two.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "taught": {
        "model": {
            "heading": True,
            "volume_size": 24,
            "volume_channels": 16,
            "volume_levels": 2,
            "encoder": "none",
            "hull_prior": 1.0,
        },
        "training": {
            "steps": 4000,
            "batch_size": 8,
            "optimizer": "adamw",
            "learning_rate": 6e-3,
            "warmup_steps": 50,
            "final_learning_rate": 0.05,
            "turn_degrees": 30.0,
            "jitter": 0.05,
        },
    }
}


class SupervisedExperiment(ExperimentConfig):
    """The network of discovery, taught by the joints of the training sessions."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="taught",
        title="the same network, taught by joints",
        role="supervised",
        supervision="3D",
        model="bkind3d.methods.supervised.model:SupervisedModel",
        objective="bkind3d.methods.supervised.objective:JointDistance",
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = PRESETS

    preset: Literal["taught"] = Field("taught", description="Where the settings start from.")
    model: VolumeModelConfig = VolumeModelConfig()
