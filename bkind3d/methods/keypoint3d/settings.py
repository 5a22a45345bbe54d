"""Settings of Keypoint3D: the paper's, and a form with fewer keypoints for two processor cores."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from bkind3d.config import ExperimentConfig, LossConfig, MethodDescription, OrderedCamerasConfig, PairTrainingConfig

#: Adam at 3e-4; crops move by all that there is to move.
TRAINING = {"optimizer": "adamw", "learning_rate": 3e-4, "gradient_clip": 1.5, "jitter": 0.5, "neighbour_frames": 10}


class Keypoint3dModelConfig(OrderedCamerasConfig):
    """The network. Defaults are the paper's."""

    n_keypoints: int = Field(32, ge=2, le=128, description="Number of discovered keypoints.")
    depth_range: Literal["distance", "cube"] = Field(
        "distance",
        description="Depths that a keypoint may have: distance: from the camera to twice the distance of the subject; cube: a cube's side before "
        "and behind it.",
    )

    @property
    def keypoint_names(self) -> list[str]:
        return [f"k{number:02d}" for number in range(self.n_keypoints)]


class Keypoint3dLossConfig(LossConfig):
    """What is made small. Defaults are the paper's."""

    reconstruction: float = Field(5.0, gt=0, description="Weight of the squared error of the pictures.")
    agreement: float = Field(0.05, ge=0, description="Weight of the squared distance between the views' keypoints, cubes of side 1.")
    separation: float = Field(0.0025, ge=0, description="Weight of the separation of keypoints.")


class Keypoint3dExperiment(ExperimentConfig):
    """Keypoint3D."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="keypoint3d",
        title="Keypoint3D (Chen et al. 2021)",
        role="discovered",
        supervision="none",
        model="bkind3d.methods.keypoint3d.model:Keypoint3dModel",
        objective="bkind3d.methods.keypoint3d.objective:Keypoint3dObjective",
        same_cameras=True,
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "small": {
            "model": {"n_keypoints": 15, "depth_range": "cube"},
            "training": TRAINING | {"learning_rate": 1e-3, "batch_size": 16, "steps": 10_000},
        },
        "paper": {"model": {}, "training": TRAINING | {"batch_size": 64}},
    }

    preset: Literal["small", "paper"] = Field("small", description="Where the settings start from; small is for two cores.")
    model: Keypoint3dModelConfig = Field(default_factory=Keypoint3dModelConfig)
    losses: Keypoint3dLossConfig = Field(default_factory=Keypoint3dLossConfig)
    training: PairTrainingConfig = Field(default_factory=PairTrainingConfig)
