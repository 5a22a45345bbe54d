"""Settings of MetaPose, which knows no cameras, and of our variant of it that starts from known ones."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from bkind3d.config import RATE_PRESET, ExperimentConfig, HeatmapModelConfig, LabelledTrainingConfig, LossConfig, MethodDescription

SMALL = {
    "model": {"encoder": "small", "width": 256, "stages": 2},
    "training": RATE_PRESET | {"learning_rate": 2e-3, "steps": 3000, "batch_size": 8, "distort_views": 0.5},
}
PAPER = {"model": {}, "training": {"optimizer": "adamw", "learning_rate": 1e-4, "batch_size": 128}}


class MetaposeModelConfig(HeatmapModelConfig):
    """The network. Defaults are the paper's."""

    sigma: float = Field(1.5, gt=0, description="Width of the detectors' targets, cells.")
    width: int = Field(512, ge=8, le=1024, description="Width of the layers of a stage.")
    stages: int = Field(2, ge=1, le=10, description="Networks that refine poses and cameras, one after the other.")
    refinement: Literal["network", "iterative", "none"] = Field(
        "network",
        description="How the start is refined: by the networks; by descending the likelihood of the heatmaps for every moment; not at all.",
    )
    iterations: int = Field(100, ge=1, le=1000, description="Steps of the iterative refinement.")
    start: Literal["factorisation", "triangulation"] = Field(
        "factorisation",
        description="Where poses and cameras start: factorisation of the places in the pictures, which needs three views and no cameras; "
        "triangulation by known cameras (method metapose_calibrated).",
    )


class MetaposeLossConfig(LossConfig):
    """What is made small."""

    detector: float = Field(100.0, gt=0, description="Weight of the squared error of heatmaps.")
    target: Literal["truth", "heatmaps"] = Field(
        "truth",
        description="What projected poses are held against: the true joints in the pictures, or the heatmaps (no labels beyond the detectors').",
    )


class MetaposeTrainingConfig(LabelledTrainingConfig):
    """How the networks are trained."""

    detector_share: float = Field(0.5, ge=0, le=0.9, description="Share of the training in which the detectors learn alone.")


class MetaposeExperiment(ExperimentConfig):
    """MetaPose."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="metapose",
        title="MetaPose (Usman et al. 2021)",
        role="supervised",
        supervision="2D",
        model="bkind3d.methods.metapose.model:MetaposeModel",
        objective="bkind3d.methods.metapose.objective:MetaposeObjective",
        least_cameras=3,
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {"small": SMALL, "paper": PAPER}

    preset: Literal["small", "paper"] = Field("small", description="Where the settings start from; small is for two cores.")
    model: MetaposeModelConfig = Field(default_factory=MetaposeModelConfig)
    losses: MetaposeLossConfig = Field(default_factory=MetaposeLossConfig)
    training: MetaposeTrainingConfig = Field(default_factory=MetaposeTrainingConfig)


class CalibratedMetaposeExperiment(MetaposeExperiment):
    """Our variant of MetaPose: it starts from triangulation by the known cameras."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="metapose_calibrated",
        title="MetaPose from known cameras (ours)",
        role="supervised",
        supervision="2D",
        model="bkind3d.methods.metapose.model:MetaposeModel",
        objective="bkind3d.methods.metapose.objective:MetaposeObjective",
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        name: {**values, "model": values["model"] | {"start": "triangulation"}} for name, values in {"small": SMALL, "paper": PAPER}.items()
    }
