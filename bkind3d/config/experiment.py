"""Settings of one experiment: how it is trained, how it predicts and how it is judged, whatever its method.

What a method adds are subclasses of :class:`ModelConfig`, :class:`LossConfig`, :class:`TrainingConfig` and
:class:`ExperimentConfig` in ``bkind3d/methods/NAME/settings.py`` (see :mod:`bkind3d.config.methods`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, SerializeAsAny, StringConstraints, field_validator, model_validator

from bkind3d.config.methods import DEFAULT_METHOD, find_settings
from bkind3d.config.sections import Name, Section

#: Raised when the same settings and frames would give another model. Part of every model's identity, and of its rule.
TRAINING_REVISION = 3

#: Settings that change how a training runs, but not what comes out of it.
WITHOUT_EFFECT = frozenset(f"training.{key}" for key in ("micro_batch_size", "activation_checkpointing", "checkpoint_minutes", "log_every"))

#: Raised when the file of a model means something else, and TRAINING_REVISION with it: a stored model that cannot be read any more would
#: be taken for complete. Part of every model's file.
MODEL_REVISION = 3

#: Raised when the same model and frames would give another table of keypoints. Part of the rule.
PREDICTION_REVISION = 4

#: A keypoint's name goes into column names and attributes of many formats.
KeypointName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]


class ModelConfig(Section):
    """The network; its keys are the method's."""

    @property
    def keypoint_names(self) -> list[str]:
        """The discovered keypoints' own names; none where points are named by the joints that a method learns from."""
        return []

    @property
    def mirror_order(self) -> list[int]:
        """For every keypoint, which one takes its place in a mirrored body."""
        return list(range(len(self.keypoint_names)))

    @property
    def first_weights(self) -> str:
        """What an image encoder starts from: a folder, ``hub:owner/name``, package, or none."""
        return "none"

    @property
    def encoder_name(self) -> str:
        """The image encoder, as tables name it."""
        return "none"


class LossConfig(Section):
    """What is made small; its keys are the method's."""

    @property
    def perceptual_features(self) -> str:
        """Features of the perceptual loss, as tables name them: vgg19, efficientnet-lite0, backbone, pyramid or none."""
        return "none"

    @property
    def weights_file(self) -> str:
        """File of published weights that a loss looks through; empty: none, or fetched."""
        return ""


class TrainingConfig(Section):
    """How the network is trained."""

    steps: int = Field(100_000, ge=1, description="Optimiser steps.")
    budget_tflop: float | None = Field(
        None,
        gt=0,
        description="Operations, in units of 10^12, after which the training ends; given, it takes the place of `steps`. Counted are matrix "
        "products and convolutions, forward and backward: a measure that no machine changes.",
    )
    batch_size: int = Field(1, ge=1, le=1024, description="Samples per step; a sample is a moment, or a pair of moments, in all views.")
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="Optimiser.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Learning rate at its peak.")
    warmup_steps: int = Field(0, ge=0, description="Steps over which the learning rate rises to its peak.")
    final_learning_rate: float = Field(1.0, gt=0, le=1, description="Learning rate at the end, as a share of its peak (cosine).")
    gradient_clip: float = Field(10.0, gt=0, description="Largest norm of the gradient.")
    turn_degrees: float = Field(
        0.0,
        ge=0,
        le=180,
        description="Largest random turn of the cube about the vertical axis, from the subject's heading if the model finds it; 180: any.",
    )
    jitter: float = Field(0.0, ge=0, le=0.5, description="Random shift of the cube, as a share of its side.")
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
        description="Training sessions that are not learned from (neither are the body's shape and the keypoints' places) but watched: the "
        "model of the step that does best there is kept.",
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


class LabelledTrainingConfig(TrainingConfig):
    """Training by joints of labelled frames."""

    labels: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all",
        description="Labelled frames of the training sessions that are learned from: a number (10, 30, 100, ...), drawn once by the seed and written "
        "down beside the model; the first ones of more are those of fewer.",
    )

    distort_views: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How much pictures are turned, scaled, shifted and recoloured at random, with their cameras: few labelled animals do not show "
        "all coats and all views that others have.",
    )

    @model_validator(mode="after")
    def check_labels_are_all(self) -> "LabelledTrainingConfig":
        if self.labels != "all" and self.validation_sessions:
            raise ValueError(f"labels {self.labels} go without validation_sessions, whose labels would come on top")
        return self


class PairTrainingConfig(TrainingConfig):
    """Training on pairs of moments."""

    frame_gap_seconds: float = Field(0.4, ge=0, description="Time between the two moments of a pair (objectives with reconstruction).")
    neighbour_frames: int = Field(
        2,
        ge=0,
        le=1000,
        description="Largest distance, in kept frames, between the two moments of a pair (objectives without reconstruction).",
    )


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

    regressor: Literal["linear", "ridge", "kernel", "mlp"] = Field(
        "linear",
        description="linear: ordinary least squares, as in the paper; ridge, kernel: strength by cross-validation; mlp: two-layer perceptron.",
    )
    axes: Literal["world", "body"] = Field(
        "world",
        description="In which axes keypoints are regressed to joints. world: as in the paper. body: every pose is turned about the vertical to one "
        "heading first, found from its keypoints alone; the regression has then not to learn from the frames that a turned body is the same body, which few or "
        "short recordings, in which a subject faces few ways, do not show.",
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
        description="Distance from the true joint, relative to the root, up to which a joint is correct (PCK), in the rig's units; 0: a tenth of the body's length.",
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


class JointsConfig(Section):
    """How joints are found from keypoints, where some frames of the study are labelled."""

    regressor: Literal["best", "linear", "ridge", "kernel", "shared"] = Field(
        "best",
        description="best: chosen by cross-validation over subjects or sessions; linear: least squares; ridge; kernel: ridge with a kernel; "
        "shared: that of what weights that all axes share leave over.",
    )
    neighbours: bool = Field(
        True, description="Whether keypoints may be averaged over neighbouring frames, by their confidence; how far is chosen likewise."
    )
    level: float = Field(0.9, ge=0.5, le=0.99, description="Share of true positions that the intervals (column `spread`) are to hold.")


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


@dataclass(frozen=True)
class MethodDescription:
    """What a method says of itself, to whoever neither trains nor runs it.

    Attributes
    ----------
    label, title : what tables and the report call it.
    role : discovered: its points are keypoints; supervised: they are joints, and it learns from those of the training sessions.
    supervision : what it learns from besides videos and cameras: none, joints in the pictures (2D), or 3D joints.
    model, objective : ``module:class``, a :class:`bkind3d.methods.base.Model` and the :class:`bkind3d.methods.base.Objective` that it
        learns by; imported only where a model is trained or used.
    same_cameras : whether it tells cameras apart by their order, so that all sessions need the same ones.
    least_cameras : it can do without no more than these.
    """

    label: str
    title: str
    role: Literal["discovered", "supervised"]
    supervision: Literal["none", "2D", "3D"]
    model: str
    objective: str
    same_cameras: bool = False
    least_cameras: int = 2


class ExperimentConfig(Section):
    """One way to find keypoints: which method, which frames, which network, which losses.

    Reading one gives the subclass of its method.
    """

    description: ClassVar[MethodDescription]
    #: Where the settings may start from: values by section.
    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {}
    #: Settings that change how a training of this method runs, but not what comes out of it.
    without_effect: ClassVar[frozenset[str]] = WITHOUT_EFFECT

    method: Name = Field(DEFAULT_METHOD, description="What finds the keypoints; docs/method.md says which methods there are.")
    preset: str = Field("", description="Where the settings start from; the sections below change single keys of it.")
    frames: Name = Field(description="A key of `framesets`.")
    cameras: tuple[Name, ...] = Field(
        (), description="Cameras that the network sees; none given: all. The subject is located by all cameras in any case."
    )
    model: SerializeAsAny[ModelConfig] = Field(default_factory=ModelConfig)
    losses: SerializeAsAny[LossConfig] = Field(default_factory=LossConfig)
    training: SerializeAsAny[TrainingConfig] = Field(default_factory=TrainingConfig)
    prediction: PredictionConfig = Field(default_factory=PredictionConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    joints: JointsConfig = Field(default_factory=JointsConfig)
    actions: ActionsConfig = Field(default_factory=ActionsConfig)
    naming: NamingConfig = Field(default_factory=NamingConfig)

    @property
    def network(self) -> dict[str, str]:
        """Image encoder and features of the perceptual loss, as the tables name them."""
        return {"encoder": self.model.encoder_name, "perceptual": self.losses.perceptual_features}

    @property
    def pair_gap_seconds(self) -> float | None:
        """Time between the two moments of a pair; none where they are any neighbours, or there are no pairs."""
        return None

    def for_cameras(self, number: int) -> Self:
        """The same experiment for so many cameras, where its network is made for a number of them that the settings leave open."""
        return self._with_model(n_cameras=number) if getattr(self.model, "n_cameras", number) is None else self

    def without_published_weights(self) -> Self:
        """The same experiment, with random weights wherever published ones would be read: for measuring what it costs."""
        return self._with_model(pretrained="none") if hasattr(self.model, "pretrained") else self

    def _with_model(self, **values: Any) -> Self:
        return self.model_copy(update={"model": self.model.model_copy(update=values)})

    @model_validator(mode="wrap")
    @classmethod
    def read_as_its_method_says(cls, values: Any, handler: ModelWrapValidatorHandler["ExperimentConfig"]) -> "ExperimentConfig":
        if not isinstance(values, dict):
            return handler(values)
        if cls is ExperimentConfig:
            try:
                settings = find_settings(values.get("method", DEFAULT_METHOD))
            except (TypeError, ValueError):
                return handler(values)  # the key is refused, with others
            return settings.model_validate(values)
        preset = values.get("preset", cls.model_fields["preset"].default)
        defaults = cls.presets.get(preset, {}) if isinstance(preset, str) else {}
        given = {section: values.get(section) or {} for section in defaults}
        started = {name: {**defaults[name], **chosen} if isinstance(chosen, dict) else chosen for name, chosen in given.items()}
        return handler(values | started)

    @field_validator("method")
    @classmethod
    def check_method(cls, method: str) -> str:
        find_settings(method)
        return method

    @model_validator(mode="after")
    def check_cameras_and_names(self) -> "ExperimentConfig":
        if len(self.cameras) == 1 or len(set(self.cameras)) < len(self.cameras):
            raise ValueError(f"cameras are {', '.join(self.cameras)}; name at least two different ones, or none for all")
        # Every name belongs to a keypoint, and no two keypoints have one name (files may not tell upper from lower case).
        own = self.model.keypoint_names
        if self.naming.keypoints and not own:
            raise ValueError("naming.keypoints gives names, but this method's points are joints, which have theirs")
        taken: dict[str, str] = {}
        for unknown in self.naming.keypoints.keys() - set(own):
            raise ValueError(f"naming.keypoints has {unknown!r}, which is no keypoint; this experiment has {own[0]} to {own[-1]}")
        for keypoint in own:
            name = self.naming.keypoints.get(keypoint, keypoint)
            if other := taken.get(name.lower()):
                raise ValueError(f"naming.keypoints calls both {other} and {keypoint} {name!r}; give every keypoint its own name")
            taken[name.lower()] = keypoint
        return self
