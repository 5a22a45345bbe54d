"""Settings of DANNCE: the paper's network, its compressed form, and one for two processor cores; with either head."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from bkind3d.config import RATE_PRESET, ExperimentConfig, LabelledTrainingConfig, LossConfig, MethodDescription, OrderedCamerasConfig

#: Adam at 1e-3, and cubes in four directions.
PAPER_TRAINING = {"optimizer": "adamw", "steps": 100_000, "batch_size": 4, "turn_degrees": 180.0}


class DannceModelConfig(OrderedCamerasConfig):
    """The network. Defaults are the paper's."""

    volume_size: int = Field(64, ge=8, le=128, description="Voxels along a side of the cube.")
    volume_channels: int = Field(64, ge=4, le=128, description="Channels of the volume network at full resolution, doubled at each level.")
    volume_levels: int = Field(4, ge=2, le=5, description="Resolutions of the volume network.")
    head: Literal["average", "peak"] = Field(
        "average", description="average: softmax and mean position (AVG); peak: sigmoid and the voxel of its peak (MAX)."
    )

    @model_validator(mode="after")
    def check_halvings(self) -> "DannceModelConfig":
        if self.volume_size % 2 ** (self.volume_levels - 1):
            raise ValueError(
                f"volume_size {self.volume_size} must be divisible by 2**(volume_levels - 1) = {2 ** (self.volume_levels - 1)}"
            )
        return self


class DannceLossConfig(LossConfig):
    """What is made small."""

    heatmap: float = Field(
        0.0, ge=0, description="Head average: weight of the cross entropy at the voxel of the true joint (0.01 in s-DANNCE)."
    )
    target_width: float = Field(
        0.042, gt=0, le=0.5, description="Head peak: width of the targets, as a share of the cube's side (10 mm of the authors' 240 mm)."
    )


class DannceTrainingConfig(LabelledTrainingConfig):
    """How the network is trained."""

    quarter_turns: bool = Field(
        True, description="Turn cubes by 0, 90, 180 and 270 degrees alone, as the authors do; else by any angle up to turn_degrees."
    )


class DannceExperiment(ExperimentConfig):
    """DANNCE."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="dannce",
        title="DANNCE (Dunn et al. 2021)",
        role="supervised",
        supervision="3D",
        model="bkind3d.methods.dannce.model:DannceModel",
        objective="bkind3d.methods.dannce.objective:DannceObjective",
        same_cameras=True,
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "small": {
            "model": {"volume_size": 24, "volume_channels": 16},
            "losses": {"heatmap": 10.0},  # from random weights and in few steps, squared distances alone place joints slowly
            # In short recordings a subject faces few ways: any angle, not quarters alone.
            "training": RATE_PRESET
            | {"learning_rate": 3e-3, "steps": 2000, "batch_size": 8, "turn_degrees": 180.0, "quarter_turns": False, "jitter": 0.05}
            | {"distort_views": 0.5},
        },
        "compressed": {"model": {"volume_channels": 32}, "training": PAPER_TRAINING},
        "paper": {"model": {}, "training": PAPER_TRAINING},
    }

    preset: Literal["small", "compressed", "paper"] = Field("small", description="Where the settings start from; small is for two cores.")
    model: DannceModelConfig = Field(default_factory=DannceModelConfig)
    losses: DannceLossConfig = Field(default_factory=DannceLossConfig)
    training: DannceTrainingConfig = Field(default_factory=DannceTrainingConfig)
