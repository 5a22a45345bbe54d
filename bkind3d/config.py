"""The one source of every setting: its key, type, range, default and meaning.

A study's ``config/config.yaml`` is read into :class:`StudyConfig`. Unknown keys are refused, values out of range are
refused, and every refusal is one line that names the file, the key, what was found and what is allowed. Nothing here
imports torch, so that the workflow can check a configuration in a fraction of a second.
"""

import difflib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

NAME_PATTERN = r"[A-Za-z0-9_-]+"

Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
#: A keypoint's name goes into column names and attributes of many formats.
KeypointName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
Preset = Literal["demo", "paper"]
ExportFormat = Literal["tidy", "nwb", "movement", "anipose", "deeplabcut", "sleap", "keypoint-moseq", "rerun"]

#: Raised when the same settings and frames would give another model. Part of every model's identity, and of its rule.
TRAINING_REVISION = 3

#: Raised when the same model and frames would give other keypoints. Part of every model's file, and of the rule.
MODEL_REVISION = 3


class InputError(ValueError):
    """The user's input or configuration is wrong: one line that says what, where, and what to do (exit code 2)."""


class Section(BaseModel):
    """A group of settings: immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BoardConfig(Section):
    """A calibration board, as printed."""

    pattern: Literal["charuco", "checkerboard"] = Field(
        "charuco", description="charuco: squares with markers, also found where a part is hidden; checkerboard: squares only."
    )
    squares_x: int = Field(ge=3, le=40, description="Squares along the board's x axis (columns).")
    squares_y: int = Field(ge=3, le=40, description="Squares along the board's y axis (rows).")
    square_length: float = Field(gt=0, description="Side of a square, in the rig's units.")
    marker_length: float | None = Field(
        None, gt=0, description="Side of a marker, in the rig's units; shorter than the square. A checkerboard has none."
    )
    marker_bits: Literal[4, 5, 6, 7] = Field(4, description="Bits along the side of a marker.")
    dictionary_size: Literal[50, 100, 250, 1000] = Field(50, description="Number of markers in the ArUco dictionary.")
    legacy_pattern: Literal["auto", "true", "false"] = Field(
        "auto", description="Layout of boards with an even number of rows printed before OpenCV 4.6; auto tries both."
    )

    @model_validator(mode="after")
    def check_markers(self) -> "BoardConfig":
        if self.pattern == "checkerboard":
            if self.marker_length is not None:
                raise ValueError("a checkerboard has no markers; leave marker_length out, or write pattern: charuco")
            if (self.squares_x + self.squares_y) % 2 == 0:
                raise ValueError(
                    f"a checkerboard of {self.squares_x} x {self.squares_y} squares looks the same after half a turn, so cameras cannot agree "
                    "on its corners; use an even number of squares along one side and an odd number along the other, or a ChArUco board"
                )
            return self
        if self.marker_length is None:
            raise ValueError("marker_length is missing; write the side of a marker, or pattern: checkerboard")
        if self.marker_length >= self.square_length:
            raise ValueError(f"marker_length {self.marker_length} must be shorter than square_length {self.square_length}")
        if self.squares_x * self.squares_y // 2 > self.dictionary_size:
            raise ValueError(
                f"{self.squares_x} x {self.squares_y} squares need {self.squares_x * self.squares_y // 2} markers, "
                f"dictionary_size is {self.dictionary_size}"
            )
        return self


class CalibrationConfig(Section):
    """How the cameras are calibrated from board videos, and what is good enough."""

    max_board_frames: int = Field(100, ge=10, le=2000, description="Frames of a board video that are searched, evenly spread.")
    floor_frame: int | None = Field(
        None,
        ge=0,
        description="Frame of the board videos in which the board lies still on the floor: it becomes the world's origin and "
        "horizontal plane. Without it, up is the mean up of the cameras.",
    )
    fisheye: list[Name] = Field(default_factory=list, description="Cameras with a fisheye lens (OpenCV's fisheye model).")
    held_out: float = Field(
        0.2, ge=0.05, le=0.5, description="Share of the board views that are kept out of the solve, and by which it is judged."
    )
    restarts: int = Field(3, ge=1, le=20, description="Solves from other starting poses and other board views; the best one is kept.")
    min_board_frames: int = Field(6, ge=3, description="Fewest frames in which a camera has to see the board.")
    min_coverage: float = Field(
        0.15, ge=0, le=1, description="Share of its picture that the board should have covered; below it the report warns."
    )
    max_error_px: float = Field(
        3.0, gt=0, description="Mean reprojection error of a camera, on held-out views, beyond which the workflow stops."
    )
    max_square_percent: float = Field(
        2.0,
        gt=0,
        description="Mean deviation of the squares, as measured by the cameras, from their true size, beyond which the workflow stops.",
    )
    max_spread_percent: float = Field(
        3.0,
        gt=0,
        description="Distance of a camera between restarts, as a share of its distance to the board, beyond which the workflow stops.",
    )
    accept_poor: bool = Field(False, description="Go on with a calibration that is beyond these limits; the report says so at its top.")


class SurveyConfig(Section):
    """How a video's background and silhouettes are found."""

    long_side: int = Field(320, ge=64, le=4096, description="Longer side, in pixels, of the picture in which silhouettes are found.")
    background_frames: int = Field(100, ge=5, le=2000, description="Frames, evenly spread, of which the background is the median.")
    threshold: float = Field(
        4.0, gt=0, description="Contrast to the background, in robust standard deviations of it, of a foreground pixel."
    )
    min_contrast: float = Field(14.0, ge=0, le=255, description="Least contrast to the background, in grey levels, of a foreground pixel.")
    shadow_ratio: float = Field(
        0.5, ge=0, le=1, description="A pixel darkened evenly, to no less than this share, is a shadow; 1 turns this off."
    )
    close_px: int = Field(5, ge=0, le=101, description="Gaps up to this many pixels inside a silhouette are closed.")
    min_area: float = Field(0.0005, ge=0, lt=1, description="Least area of a silhouette, as a share of the picture.")


class LocationConfig(Section):
    """How the subject's centre and size are found from silhouettes."""

    max_residual: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Largest distance between a view's silhouette and the projected centre, as a share of the picture's longer "
        "side; views beyond it are rejected.",
    )
    region: tuple[tuple[float, float, float], tuple[float, float, float]] | None = Field(
        None,
        description="Box that the subject's centre stays in, as [[x, y, z], [x, y, z]] (lowest and highest corner, world, the rig's "
        "units). What moves elsewhere is somebody else.",
    )
    smooth_seconds: float = Field(0.15, ge=0, le=10, description="Width of the smoothing of the centre over time.")
    max_gap_seconds: float = Field(0.5, ge=0, le=60, description="Longest gap over which the centre is interpolated.")
    side: float | None = Field(
        None, gt=0, description="Side of the cube around the subject, in the rig's units; measured from the silhouettes if not given."
    )
    correct_offsets: bool = Field(
        False,
        description="Whether cameras that are out of sync beyond doubt are shifted by whole frames; offsets are reported in any case.",
    )
    max_offset_frames: int = Field(30, ge=1, le=1000, description="Largest offset between two cameras that is looked for, in frames.")
    side_margin: float = Field(1.1, ge=1, le=3, description="Factor between the measured extent of the subject and the cube's side.")

    @model_validator(mode="after")
    def check_region_holds_something(self) -> "LocationConfig":
        if self.region is not None and any(low >= high for low, high in zip(*self.region, strict=True)):
            raise ValueError(f"region {self.region} is empty; write its lowest corner first, [[x, y, z], [x, y, z]]")
        return self


class FramesConfig(Section):
    """A frameset: what is cut out of the videos."""

    window: Literal["subject", "fixed"] = Field(
        "subject", description="subject: a window that follows the subject; fixed: the whole picture."
    )
    size: int = Field(64, ge=16, le=1024, description="Side in pixels of the picture of the cube around the subject (before the margin).")
    margin: float = Field(
        1.5, ge=1, le=4, description="Stored side over `size`: room for moving, turning and cutting pairs with one window."
    )
    step: int = Field(1, ge=1, le=1000, description="Every how manieth frame of the videos is kept.")
    quality: int = Field(90, ge=30, le=100, description="JPEG quality.")


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
    encoder: Literal["none", "resnet18", "resnet50"] = Field(
        "resnet50", description="Image encoder whose features are un-projected; none un-projects colour and silhouettes only."
    )
    plain_features: bool = Field(
        False,
        description="Un-project colour, silhouettes and place beside the encoder's features; without an encoder they are all there is.",
    )
    pretrained: str = Field("none", description="none (random weights), or a local folder or hub name with the encoder's weights.")
    feature_channels: int = Field(32, ge=1, le=256, description="Channels of the geometry features that are un-projected.")
    reconstruction: bool = Field(True, description="Whether a decoder reconstructs the difference target from appearance and edges.")
    hull_prior: float = Field(
        0.0, ge=0, description="Weight of the log occupancy of the visual hull added to the heatmaps' logits; 0 turns it off."
    )

    @property
    def keypoint_names(self) -> list[str]:
        """The discovered keypoints' own names: k00, k01, ..."""
        return [f"k{index:02d}" for index in range(self.n_keypoints)]


class LossConfig(Section):
    """Weights of the losses; 0 turns a term off. Defaults are the paper's."""

    reconstruction: float = Field(1.0, ge=0, description="Perceptual reconstruction of the spatiotemporal difference.")
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
    perceptual: Literal["vgg19", "pyramid"] = Field(
        "vgg19",
        description="Features of the perceptual loss: VGG19 with the published weights, or a pyramid of image gradients that needs none.",
    )
    vgg19_weights: str = Field(
        "", description="File of the published VGG19 weights (checked by hash), or empty to fetch them into the torch cache."
    )


class TrainingConfig(Section):
    """How the network is trained."""

    steps: int = Field(100_000, ge=1, description="Optimiser steps.")
    batch_size: int = Field(1, ge=1, le=1024, description="Samples per step; a sample is one moment in all views.")
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
        (), description="Training sessions that are not learned from but watched: the model of the step that does best there is kept."
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


class SimulatedRig(Section):
    """A simulated rig of cameras around an arena."""

    cameras: int = Field(6, ge=2, le=12, description="Number of cameras.")
    width: int = Field(320, ge=64, le=4096, description="Width of the pictures in pixels.")
    height: int = Field(256, ge=64, le=4096, description="Height of the pictures in pixels.")
    rate: float = Field(30.0, gt=0, le=1000, description="Frames per second.")
    arena: float = Field(700.0, gt=0, description="Diameter of the arena in millimetres.")
    board: Name = Field("charuco", description="Board (a key of `boards`) that is moved through the rig.")
    board_frames: int = Field(36, ge=10, le=1000, description="Frames of the board videos; in frame 0 the board lies on the floor.")
    seed: int = Field(0, ge=0, description="Seed of camera positions, lenses, light and board motion.")

    @model_validator(mode="after")
    def check_even_size(self) -> "SimulatedRig":
        if self.width % 2 or self.height % 2:
            raise ValueError(f"width {self.width} and height {self.height} must be even for the videos' format (H.264, yuv420p)")
        return self


class SimulatedSubject(Section):
    """A simulated animal."""

    animal: Literal["rodent"] = Field("rodent", description="Kind of animal.")
    scale: float = Field(1.0, ge=0.5, le=2, description="Size relative to the model.")
    coat: Literal["brown", "white", "black", "hooded", "grey"] = Field("brown", description="Colour of the fur.")
    seed: int = Field(0, ge=0, description="Seed of the animal's habits.")


class SimulatedSession(Section):
    """A simulated recording."""

    subject: Name = Field(description="A key of `simulation.subjects`.")
    rig: Name = Field(description="A key of `simulation.rigs`.")
    frames: int = Field(300, ge=10, description="Length of the recording in frames.")
    seed: int = Field(0, ge=0, description="Seed of the motion.")
    rest_seconds: float = Field(0.0, ge=0, description="The animal rests for so long in the middle of the recording.")
    bystander: Literal["none", "behind", "inside"] = Field(
        "none", description="Somebody else who walks back and forth, behind the arena's rim or inside of it."
    )
    long_shadows: bool = Field(False, description="Whether the lamp stands low: long and dark shadows.")
    flicker: float = Field(0.0, ge=0, le=0.5, description="Largest change of the light between frames, as a share of it.")
    drift: float = Field(0.0, ge=0, le=0.5, description="The light changes slowly by this share, up and down, from begin to end.")
    blocked_cameras: int = Field(0, ge=0, le=12, description="Cameras that are blocked for a while, one after the other.")


class SimulationConfig(Section):
    """Recordings that are rendered instead of filmed: the demo, and scenes whose truth is known."""

    rigs: dict[Name, SimulatedRig] = Field(default_factory=dict)
    subjects: dict[Name, SimulatedSubject] = Field(default_factory=dict)
    sessions: dict[Name, SimulatedSession] = Field(default_factory=dict)

    @model_validator(mode="after")
    def check_references(self) -> "SimulationConfig":
        for name, session in self.sessions.items():
            if session.subject not in self.subjects:
                raise ValueError(f"sessions.{name}.subject {session.subject!r} is not among the subjects {sorted(self.subjects)}")
            if session.rig not in self.rigs:
                raise ValueError(f"sessions.{name}.rig {session.rig!r} is not among the rigs {sorted(self.rigs)}")
            arena, least = self.rigs[session.rig].arena, 440 * self.subjects[session.subject].scale
            if arena < least:
                raise ValueError(f"rigs.{session.rig}.arena {arena:g} is too small for {session.subject}, who needs {least:g} mm")
            if session.blocked_cameras > self.rigs[session.rig].cameras:
                raise ValueError(f"sessions.{name}.blocked_cameras {session.blocked_cameras} are more than rig {session.rig!r} has")
        return self


class ReportConfig(Section):
    """What the report shows."""

    title: str = Field("BKinD-3D report", description="Title of the report.")
    max_sessions: int = Field(6, ge=1, le=100, description="Sessions that are embedded in the main report.")
    max_frames: int = Field(200, ge=10, le=5000, description="Frames of a session in the interactive skeleton.")
    overlay_frames: int = Field(6, ge=1, le=50, description="Moments shown as overlay pictures per session.")
    overlay_seconds: float = Field(
        300.0,
        gt=0,
        description="Longest overlay video of a session, in seconds of the recording; the rest of a longer session is left out.",
    )


class ExportConfig(Section):
    """What the workflow hands over to other tools, in `results/exports/EXPERIMENT/FORMAT/`; `bkind3d export` writes any format at any time."""

    formats: list[ExportFormat] = Field(
        default_factory=list, description="Formats that every session's keypoints are written in; docs/hand-over.md says who reads which."
    )


class ExperimentConfig(Section):
    """One way to discover keypoints: which frames, which network, which losses."""

    preset: Preset = Field("demo", description="Where the settings start from; the sections below change single keys of it.")
    frames: Name = Field(description="A key of `framesets`.")
    model: ModelConfig
    losses: LossConfig
    training: TrainingConfig
    evaluation: EvaluationConfig = EvaluationConfig()
    actions: ActionsConfig = ActionsConfig()
    naming: NamingConfig = NamingConfig()

    @property
    def pair_gap_seconds(self) -> float | None:
        """Time between the two moments of a pair; none where they are any neighbours."""
        return self.training.frame_gap_seconds if self.losses.reconstruction else None

    @model_validator(mode="before")
    @classmethod
    def start_from_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        preset = values.get("preset", "demo")
        if preset not in PRESETS:
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
        self._check_names()
        return self

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


PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": {"model": {}, "losses": {}, "training": {}},
    "demo": {
        "model": {
            "n_keypoints": 12,
            "n_symmetric_pairs": 3,
            "heading": True,
            "place_spread": 0.13,
            "volume_size": 24,
            "volume_channels": 16,
            "volume_levels": 2,
            "encoder": "none",
            "reconstruction": False,
            "hull_prior": 1.0,
        },
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
        "training": {
            "steps": 1300,
            "batch_size": 4,
            "optimizer": "adamw",
            "learning_rate": 6e-3,
            "warmup_steps": 50,
            "final_learning_rate": 0.05,
            "edge_learning_rate_factor": 10.0,
            "turn_degrees": 30.0,
            "jitter": 0.05,
        },
    },
}


class StudyConfig(Section):
    """A study: its sheets, and what is done with them."""

    dataset: Name = Field("recordings", description="Name of the study's data in the tables.")
    recordings: str = Field(
        ".", description="Folder that relative paths in the sheets start from; relative to the study. Never written to."
    )
    sessions: str = Field("config/sessions.tsv", description="Sheet of the sessions.")
    cameras: str = Field("config/cameras.tsv", description="Sheet of each session's videos.")
    rigs: str = Field("config/rigs.tsv", description="Sheet of the rigs.")
    boards: dict[Name, BoardConfig] = Field(default_factory=dict, description="Calibration boards.")
    calibration: CalibrationConfig = CalibrationConfig()
    survey: SurveyConfig = SurveyConfig()
    location: LocationConfig = LocationConfig()
    framesets: dict[Name, FramesConfig] = Field(default_factory=lambda: {"subject": FramesConfig()}, min_length=1)
    experiments: dict[Name, ExperimentConfig] = Field(min_length=1, description="What is trained and compared.")
    simulation: SimulationConfig = SimulationConfig()
    report: ReportConfig = ReportConfig()
    export: ExportConfig = ExportConfig()

    @model_validator(mode="after")
    def check_references(self) -> "StudyConfig":
        for name, experiment in self.experiments.items():
            if experiment.frames not in self.framesets:
                raise ValueError(f"experiments.{name}.frames {experiment.frames!r} is not among the framesets {sorted(self.framesets)}")
        for name, rig in self.simulation.rigs.items():
            if rig.board not in self.boards:
                raise ValueError(f"simulation.rigs.{name}.board {rig.board!r} is not among the boards {sorted(self.boards)}")
            if self.boards[rig.board].pattern != "charuco":
                raise ValueError(f"simulation.rigs.{name}.board {rig.board!r} is a checkerboard; simulated boards are ChArUco boards")
        return self


SectionT = TypeVar("SectionT", bound=Section)


def list_keys(cls: type[Section], path: tuple[Any, ...]) -> list[str]:
    """Keys of the section that `path` (keys from a `cls` on) leads to; none where it leads to no section."""
    annotation: Any = cls
    for part in path:
        fields = annotation.model_fields if isinstance(annotation, type) and issubclass(annotation, Section) else {}
        annotation = fields[part].annotation if part in fields else next(iter(get_args(annotation)[1:]), None)
    return list(annotation.model_fields) if isinstance(annotation, type) and issubclass(annotation, Section) else []


def describe_validation_error(error: ValidationError, source: str, cls: type[Section]) -> str:
    """One line for the first problem that pydantic found in a `cls`: file, key, what was found, what is allowed."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    found = problem.get("input")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        alike = difflib.get_close_matches(str(problem["loc"][-1]), list_keys(cls, problem["loc"][:-1]), n=1)
        hint = f"did you mean {alike[0]!r}?" if alike else "config/README.md has all keys"
        return f"{source}: unknown key {key!r}; {hint}{more}"
    if problem["type"] == "missing":
        return f"{source}: key {key!r} is missing{more}"
    message = re.sub(r"^Value error, ", "", problem["msg"])
    if isinstance(found, dict | list):
        return f"{source}: {key + ': ' if key else ''}{message}{more}"
    return f"{source}: key {key!r} is {found!r}: {message}{more}"


def parse_section(cls: type[SectionT], values: Any, source: str) -> SectionT:
    """Validate `values` as a `cls`; raise :class:`InputError` with one line naming `source` and the key."""
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise InputError(describe_validation_error(error, source, cls)) from None


def read_values(path: str | Path) -> Any:
    """Read the JSON or YAML file at `path`."""
    path = Path(path)
    try:
        text = path.read_text()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{path}: is not valid {path.suffix[1:].upper()}: {line}") from None


def read_section(cls: type[SectionT], path: str | Path) -> SectionT:
    """Read one section from the JSON or YAML file at `path`."""
    return parse_section(cls, read_values(path) or {}, str(path))


def read_boards(path: str | Path) -> dict[str, BoardConfig]:
    """Read boards by name from the JSON or YAML file at `path`: the section `boards` of a study's settings, or the boards alone."""
    values = read_values(path) or {}
    if isinstance(values, dict) and isinstance(values.get("boards"), dict):
        values = values["boards"]
    if not isinstance(values, dict):
        raise InputError(f"{path}: boards are given as name: settings, found {type(values).__name__}")
    return {str(name): parse_section(BoardConfig, board, f"{path}: board {name!r}") for name, board in values.items()}
