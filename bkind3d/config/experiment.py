"""Settings of one experiment: network, losses, training, and how it is judged."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bkind3d.config.presets import PRESETS, Preset
from bkind3d.config.sections import Name, Section

#: Raised when the same settings and frames would give another model. Part of every model's identity, and of its rule.
TRAINING_REVISION = 3

#: Settings that change how a training runs, but not what comes out of it. (The VGG19 weights are the published ones wherever they lie.)
WITHOUT_EFFECT = {
    "losses.vgg19_weights",
    *(f"training.{key}" for key in ("micro_batch_size", "activation_checkpointing", "checkpoint_minutes", "log_every")),
}

#: Raised when the file of a model means something else, and TRAINING_REVISION with it: a stored model that cannot be read any more would
#: be taken for complete. Part of every model's file.
MODEL_REVISION = 3

#: Raised when the same model and frames would give another table of keypoints. Part of the rule.
PREDICTION_REVISION = 4

#: A keypoint's name goes into column names and attributes of many formats.
KeypointName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]


#: What weights on the Hugging Face hub are named by, so that a mistyped folder is not looked up there.
HUB_PREFIX = "hub:"


def check_source(value: str) -> str:
    """Refuse what is named as weights of the hub but cannot be any."""
    if not value or (value.startswith(HUB_PREFIX) and not re.fullmatch(rf"{HUB_PREFIX}[\w.-]+/[\w.-]+(@[\w./-]+)?", value)):
        raise ValueError("write none, a folder, hub:owner/name, or hub:owner/name@revision")
    return value


class ModelConfig(Section):
    """The network. Defaults are the paper's."""

    n_keypoints: int = Field(15, ge=2, le=128, description="Number of discovered keypoints.")
    heading: bool = Field(
        False,
        description="Find which way the subject faces (from its visual hull, without labels) and turn the cube that way. For bodies "
        "that keep roughly upright.",
    )
    place_spread: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Every keypoint starts at a place of its own on the mean body (k-means on hulls that are turned to the heading) and stays "
        "within about this share of the cube's side of it; null: anywhere. Needs `heading`.",
    )
    n_symmetric_pairs: int = Field(
        0,
        ge=0,
        le=64,
        description="Pairs of keypoints that are each other's mirror image (left and right of a bilateral body). The rest lie on "
        "the body's midline or are unpaired.",
    )
    volume_size: int = Field(64, ge=8, le=128, description="Voxels along a side of the cube.")
    volume_channels: int = Field(32, ge=4, le=256, description="Channels of the volume network's first level.")
    volume_levels: int = Field(4, ge=1, le=5, description="Levels (halvings) of the volume network.")
    encoder: Literal["none", "resnet18", "resnet50", "dinov2-small", "dinov3-small"] = Field(
        "resnet50", description="Image encoder whose features are un-projected; none un-projects colour and silhouettes only."
    )
    plain_features: bool = Field(
        False,
        description="Un-project colour, silhouettes and place beside the encoder's features; without an encoder they are all there is.",
    )
    pretrained: Annotated[str, AfterValidator(check_source)] = Field(
        "none",
        description="The encoder's first weights: none (random), a folder with config.json and model.safetensors, or hub:owner/name, "
        "hub:owner/name@revision. Nothing but hub: ever looks for weights on the network.",
    )
    feature_channels: int = Field(32, ge=1, le=256, description="Channels of the geometry features that are un-projected.")
    reconstruction: bool = Field(True, description="Whether a decoder reconstructs the difference target from appearance and edges.")
    drawing: Literal["edges", "points", "none"] = Field(
        "edges",
        description="What the decoder sees of the keypoints: edges: soft lines between them, with learned weights; points: a dot for each; "
        "none: nothing, it has the appearance alone.",
    )
    hull_prior: float = Field(
        0.0, ge=0, description="Weight of the log occupancy of the visual hull added to the heatmaps' logits; 0 turns it off."
    )

    @property
    def keypoint_names(self) -> list[str]:
        """The discovered keypoints' own names: k00, k01, ..."""
        return [f"k{index:02d}" for index in range(self.n_keypoints)]

    @property
    def mirror_order(self) -> list[int]:
        """For every keypoint, which one takes its place in a mirrored body: the first ones swap in pairs, the rest stay."""
        return [index ^ 1 if index < 2 * self.n_symmetric_pairs else index for index in range(self.n_keypoints)]


class LossConfig(Section):
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
    perceptual: Literal["vgg19", "backbone", "pyramid"] = Field(
        "vgg19",
        description="Features of the perceptual loss: VGG19 with the published weights; the image encoder with its first weights, frozen "
        "(needs model.pretrained); or a pyramid of image gradients, which needs no weights.",
    )
    vgg19_weights: str = Field(
        "", description="File of the published VGG19 weights (checked by hash), or empty to fetch them into the torch cache."
    )


class TrainingConfig(Section):
    """How the network is trained."""

    steps: int = Field(100_000, ge=1, description="Optimiser steps.")
    batch_size: int = Field(1, ge=1, le=1024, description="Samples per step; a sample is a pair of moments, each in all views.")
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="Optimiser.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Learning rate at its peak.")
    edge_learning_rate_factor: float = Field(512.0, gt=0, description="Factor on the learning rate of the edge weights.")
    warmup_steps: int = Field(0, ge=0, description="Steps over which the learning rate rises to its peak.")
    final_learning_rate: float = Field(1.0, gt=0, le=1, description="Learning rate at the end, as a share of its peak (cosine).")
    gradient_clip: float = Field(10.0, gt=0, description="Largest norm of the gradient.")
    frame_gap_seconds: float = Field(0.4, ge=0, description="Time between the two moments of a pair (objectives with reconstruction).")
    neighbour_frames: int = Field(
        2,
        ge=0,
        le=1000,
        description="Largest distance, in kept frames, between the two moments of a pair (objectives without reconstruction).",
    )
    turn_degrees: float = Field(
        0.0,
        ge=0,
        le=180,
        description="Largest random turn of the cube about the vertical axis, from the subject's heading if the model finds it; 180: any.",
    )
    jitter: float = Field(0.0, ge=0, le=0.5, description="Random shift of the cube, as a share of its side.")
    distort_appearance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How much the picture that gives the decoder its appearance is turned, scaled, shifted and recoloured at random (objectives "
        "with reconstruction), so that keypoints alone can tell where the subject is; 0: not at all.",
    )
    drop_views: float = Field(0.0, ge=0, le=0.9, description="Chance that a view is left out of a sample (two always stay).")
    micro_batch_size: int | None = Field(
        None,
        ge=1,
        description="Samples of a batch that are computed at once; fewer need less memory and give the same. Not given: as many as memory holds.",
    )
    activation_checkpointing: bool = Field(
        False, description="Compute large parts of the network twice rather than keep them: slower, in less memory, with the same result."
    )
    validation_sessions: tuple[Name, ...] = Field(
        (),
        description="Training sessions that are not learned from (neither are the body's shape and the keypoints' places) but watched: the model of "
        "the step that does best there is kept.",
    )
    validation_every: int = Field(500, ge=1, description="Steps between two looks at the validation sessions.")
    validation_pairs: int = Field(64, ge=1, description="Pairs of moments that are looked at, always the same.")
    patience: int = Field(0, ge=0, description="Looks without a better result after which the training ends early; 0: never.")
    checkpoint_minutes: float = Field(2.0, gt=0, description="Time between two checkpoints from which an interrupted training goes on.")
    log_every: int = Field(10, ge=1, description="Steps between two rows of the training history.")
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto", description="Arithmetic of the network; auto: bf16 where the device computes with it, else 32."
    )
    seed: int = Field(0, ge=0, description="Seed of weights, order and augmentation.")


class PredictionConfig(Section):
    """How a trained network finds the keypoints of a session."""

    turns: int = Field(
        1,
        ge=1,
        le=15,
        description="Cubes, each turned a little, over whose answers is averaged; each takes the time of a prediction again.",
    )
    smooth_seconds: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Width (at half height) of the normal distribution in time over which positions are averaged; `spread` grows by what that "
        "blurs, and gaps stay gaps. 0: every frame stands for itself.",
    )


class EvaluationConfig(Section):
    """How discovered keypoints are judged against annotated joints."""

    regressor: Literal["linear", "ridge", "mlp"] = Field(
        "linear",
        description="linear: ordinary least squares, as in the paper; ridge: strength by cross-validation; mlp: two-layer perceptron.",
    )
    split: Literal["subject", "session", "blocks"] = Field(
        "subject",
        description="subject: the sheet's train and test sessions, no subject in both; session: the same, subjects may be in both; "
        "blocks: alternating blocks within each session that has joints.",
    )
    root: str = Field(
        "",
        description="Joint that poses are moved to for the errors relative to the root; empty: the centroid of the joints that are known.",
    )
    pck_threshold: float = Field(
        0.0,
        ge=0,
        description="Distance from the true joint, relative to the root, up to which a joint is correct (PCK), in the rig's units; "
        "0: a tenth of the body's length.",
    )
    block_frames: int = Field(10, ge=2, description="Frames of a block (split: blocks).")
    border_frames: int = Field(2, ge=1, description="Frames dropped at either border of a block (split: blocks).")
    bootstrap: int = Field(1000, ge=100, le=100_000, description="Resamples of the bootstrap intervals.")
    seed: int = Field(0, ge=0, description="Seed of the bootstrap.")

    @model_validator(mode="after")
    def check_blocks_keep_frames(self) -> "EvaluationConfig":
        if 2 * self.border_frames >= self.block_frames:
            raise ValueError(f"border_frames {self.border_frames} at either border leave nothing of block_frames {self.block_frames}")
        return self


class ActionsConfig(Section):
    """How behaviours are recognised from keypoints."""

    enabled: bool = Field(True, description="Whether behaviours are classified where sessions have them.")
    window_seconds: float = Field(1.0, gt=0, le=60, description="Length of the window around a frame.")
    classifier: Literal["conv1d", "forest", "boosted"] = Field(
        "conv1d", description="conv1d: the paper's 1D-convolution network; forest: random forest; boosted: gradient-boosted trees."
    )
    epochs: int = Field(15, ge=1, le=1000, description="Epochs of the network.")
    seed: int = Field(0, ge=0, description="Seed.")


class NamingConfig(Section):
    """What discovered keypoints are called, once somebody has looked at their contact sheets. Names change no result."""

    model: str = Field(
        "", description="The model whose keypoints were looked at, as its contact sheets say; names are not used for another."
    )
    keypoints: dict[str, KeypointName] = Field(
        default_factory=dict, description="A name for a keypoint, such as `k03: tail_base`; keypoints without one keep their own."
    )


class ExperimentConfig(Section):
    """One way to discover keypoints: which frames, which network, which losses."""

    preset: Preset = Field("bkind3d", description="Where the settings start from; the sections below change single keys of it.")
    frames: Name = Field(description="A key of `framesets`.")
    cameras: tuple[Name, ...] = Field(
        (), description="Cameras that the network sees; none given: all. The subject is located by all cameras in any case."
    )
    model: ModelConfig
    losses: LossConfig
    training: TrainingConfig
    prediction: PredictionConfig = PredictionConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    actions: ActionsConfig = ActionsConfig()
    naming: NamingConfig = NamingConfig()

    @property
    def pair_gap_seconds(self) -> float | None:
        """Time between the two moments of a pair; none where they are any neighbours."""
        return self.training.frame_gap_seconds if self.losses.reconstruction else None

    @property
    def network(self) -> dict[str, str]:
        """Image encoder and features of the perceptual loss, as the tables name them."""
        encoder: str = self.model.encoder
        if encoder != "none" and self.model.pretrained != "none":
            encoder += f" from {self.model.pretrained}"
        return {"encoder": encoder, "perceptual": self.losses.perceptual if self.losses.reconstruction else "none"}

    @model_validator(mode="before")
    @classmethod
    def start_from_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        preset = values.get("preset", "bkind3d")
        if not isinstance(preset, str) or preset not in PRESETS:
            return values | {section: {} for section in ("model", "losses", "training") if section not in values}
        merged = dict(values)
        for section, defaults in PRESETS[preset].items():
            given = values.get(section) or {}
            merged[section] = given if not isinstance(given, dict) else {**defaults, **given}
        return merged

    @model_validator(mode="after")
    def check_together(self) -> "ExperimentConfig":
        if 2 * self.model.n_symmetric_pairs > self.model.n_keypoints:
            raise ValueError(
                f"model.n_symmetric_pairs {self.model.n_symmetric_pairs} needs at least {2 * self.model.n_symmetric_pairs} keypoints, "
                f"got n_keypoints {self.model.n_keypoints}"
            )
        if self.model.place_spread is not None and not self.model.heading:
            raise ValueError("model.place_spread needs model.heading: true, because places are on a body that faces one way")
        if self.model.volume_size % 2**self.model.volume_levels:
            raise ValueError(
                f"model.volume_size {self.model.volume_size} must be divisible by 2**volume_levels = {2**self.model.volume_levels}"
            )
        if self.model.drawing != "edges":
            for name in ("length", "silhouette"):
                if getattr(self.losses, name):
                    raise ValueError(
                        f"losses.{name} {getattr(self.losses, name):g} is about edges, but model.drawing is {self.model.drawing!r}; write 0"
                    )
        if len(self.cameras) == 1 or len(set(self.cameras)) < len(self.cameras):
            raise ValueError(f"cameras are {', '.join(self.cameras)}; name at least two different ones, or none for all")
        self._check_reconstruction()
        self._check_names()
        return self

    def _check_reconstruction(self) -> None:
        """What the reconstruction looks through has to be there."""
        if not self.losses.reconstruction:
            return
        if self.model.encoder == "none" or not self.model.reconstruction:
            raise ValueError("losses.reconstruction needs model.reconstruction: true and a model.encoder; set it to 0 or choose an encoder")
        if self.losses.perceptual == "backbone" and self.model.pretrained == "none":
            raise ValueError(
                "losses.perceptual: backbone needs model.pretrained, the weights that it looks through; choose pyramid or vgg19"
            )

    def _check_names(self) -> None:
        """Every name belongs to a keypoint, and no two keypoints have one name (files may not tell upper from lower case)."""
        own = self.model.keypoint_names
        taken: dict[str, str] = {}
        for unknown in self.naming.keypoints.keys() - set(own):
            raise ValueError(f"naming.keypoints has {unknown!r}, which is no keypoint; this experiment has {own[0]} to {own[-1]}")
        for keypoint in own:
            name = self.naming.keypoints.get(keypoint, keypoint)
            if name.lower() in taken:
                raise ValueError(
                    f"naming.keypoints calls both {taken[name.lower()]} and {keypoint} {name!r}; give every keypoint its own name"
                )
            taken[name.lower()] = keypoint
