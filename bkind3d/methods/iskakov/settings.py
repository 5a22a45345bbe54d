"""Settings of learnable triangulation, volumetric and algebraic: the paper's, and a form of each for two processor cores."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from bkind3d.config import (
    RATE_PRESET,
    ExperimentConfig,
    HeatmapModelConfig,
    LabelledTrainingConfig,
    LossConfig,
    MethodDescription,
)

#: How the small forms learn: from random weights, so faster than the authors', whose encoders were trained before, and on few animals.
SMALL_TRAINING = RATE_PRESET | {"learning_rate": 3e-3, "batch_size": 8, "steps": 2000, "distort_views": 0.5}
PAPER_TRAINING = {"optimizer": "adamw", "steps": 400_000}


class VolumetricModelConfig(HeatmapModelConfig):
    """The network. Defaults are the paper's."""

    feature_channels: int = Field(32, ge=1, le=256, description="Channels of the features that are un-projected.")
    volume_size: int = Field(64, ge=8, le=128, description="Voxels along a side of the cube.")
    volume_channels: int = Field(32, ge=4, le=128, description="Channels of the volume network at full resolution; even.")
    volume_levels: int = Field(5, ge=1, le=5, description="Levels (poolings) of the volume network.")
    front_kernel: Literal[3, 5, 7] = Field(7, description="Side of the volume network's first convolution, voxels.")

    @model_validator(mode="after")
    def check_halvings(self) -> "VolumetricModelConfig":
        if self.volume_size % 2**self.volume_levels or self.volume_channels % 2:
            raise ValueError(
                f"volume_size {self.volume_size} must be divisible by 2**volume_levels = {2**self.volume_levels}, and volume_channels "
                f"{self.volume_channels} by 2"
            )
        return self


class VolumetricLossConfig(LossConfig):
    """What is made small."""

    heatmap: float = Field(0.01, ge=0, description="Weight of the cross entropy at the voxel of the true joint.")


class VolumetricTrainingConfig(LabelledTrainingConfig):
    """How the network is trained."""

    encoder_learning_rate_factor: float = Field(
        0.1, gt=0, le=1, description="Learning rate of the image encoder, as a share of the rest's."
    )


class VolumetricExperiment(ExperimentConfig):
    """Volumetric triangulation."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="volumetric",
        title="volumetric triangulation (Iskakov et al. 2019)",
        role="supervised",
        supervision="3D",
        model="bkind3d.methods.iskakov.volumetric:VolumetricModel",
        objective="bkind3d.methods.iskakov.volumetric:VolumetricObjective",
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "small": {
            "model": {
                "encoder": "small",
                "feature_channels": 8,
                "volume_size": 24,
                "volume_channels": 16,
                "volume_levels": 3,
                "front_kernel": 3,
            },
            "training": SMALL_TRAINING | {"turn_degrees": 180.0, "encoder_learning_rate_factor": 1.0},
        },
        "paper": {
            "model": {},
            "training": PAPER_TRAINING | {"turn_degrees": 180.0, "learning_rate": 1e-3, "batch_size": 5},
        },
    }

    preset: Literal["small", "paper"] = Field("small", description="Where the settings start from; small is for two cores.")
    model: VolumetricModelConfig = Field(default_factory=VolumetricModelConfig)
    losses: VolumetricLossConfig = Field(default_factory=VolumetricLossConfig)
    training: VolumetricTrainingConfig = Field(default_factory=VolumetricTrainingConfig)


class AlgebraicModelConfig(HeatmapModelConfig):
    """The network. Defaults are the paper's."""

    sharpness: float = Field(100.0, gt=0, description="What heatmaps are multiplied with before their softmax.")


class AlgebraicLossConfig(LossConfig):
    """What is made small."""

    pixels: float = Field(
        0.0,
        ge=0,
        description="Weight of the distance in the pictures, as a share of half a picture: for an encoder that has learned no joints before.",
    )


class AlgebraicExperiment(ExperimentConfig):
    """Algebraic triangulation."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="algebraic",
        title="algebraic triangulation (Iskakov et al. 2019)",
        role="supervised",
        supervision="3D",
        model="bkind3d.methods.iskakov.algebraic:AlgebraicModel",
        objective="bkind3d.methods.iskakov.algebraic:AlgebraicObjective",
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "small": {"model": {"encoder": "small", "sharpness": 10.0}, "losses": {"pixels": 100.0}, "training": SMALL_TRAINING},
        "paper": {"model": {}, "losses": {}, "training": PAPER_TRAINING | {"learning_rate": 1e-5, "batch_size": 8}},
    }

    preset: Literal["small", "paper"] = Field("small", description="Where the settings start from; small is for two cores.")
    model: AlgebraicModelConfig = Field(default_factory=AlgebraicModelConfig)
    losses: AlgebraicLossConfig = Field(default_factory=AlgebraicLossConfig)
    training: LabelledTrainingConfig = Field(default_factory=LabelledTrainingConfig)
