"""A study: its sheets, what is done with them, and what is shown."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from bkind3d.config.experiment import ExperimentConfig
from bkind3d.config.recordings import BoardConfig, CalibrationConfig, FramesConfig, LocationConfig, SurveyConfig
from bkind3d.config.sections import Name, Section
from bkind3d.config.simulation import SimulationConfig

#: Formats of keypoints for other tools: ending of a session's file; where it is empty, a session's files lie in a folder. The writer
#: is ``bkind3d.export.<format with underscores>.write_session(session, path)``.
EXPORT_FORMATS = {
    "tidy": ".csv",
    "nwb": ".nwb",
    "movement": ".nc",
    "anipose": ".csv",
    "deeplabcut": "",
    "sleap": "",
    "keypoint-moseq": "",
    "rerun": ".rrd",
}


class ReportConfig(Section):
    """What the report shows."""

    title: str = Field("BKinD-3D report", description="Title of the report.")
    pictures: bool = Field(
        True,
        description="Show pictures of the recordings. false: no page, figure, video or contact sheet shows any; numbers, charts and skeletons remain.",
    )
    max_sessions: int = Field(6, ge=1, le=12, description="Sessions that are embedded in the main report.")
    max_frames: int = Field(200, ge=10, le=5000, description="Frames of a session's skeleton in the main report; its own page has more.")
    overlay_frames: int = Field(6, ge=1, le=12, description="Moments shown as overlay pictures per session.")
    overlay_seconds: float = Field(
        300.0,
        gt=0,
        description="Longest overlay video of a session, in seconds of the recording; the rest of a longer session is left out.",
    )


class MovementsConfig(Section):
    """How windows of keypoints are put into clusters of like movement, without labels, for looking at."""

    window_seconds: float = Field(1.0, gt=0, le=60, description="Length of a window; windows are half of it apart.")
    n_clusters: int = Field(8, ge=2, le=50, description="Clusters; the report shows a clip of each.")
    n_components: int = Field(10, ge=1, le=100, description="Principal components of the windows that are clustered.")
    seed: int = Field(0, ge=0, description="Seed.")


class KinematicsConfig(Section):
    """What is measured of joints, by their names, in every frame; a measure of a joint that was not found is left out."""

    angles: dict[Name, tuple[str, str, str]] = Field(
        default_factory=dict, description="Angles at the second of three joints, in degrees, such as `knee_left: [HipL, KneeL, ShinL]`."
    )
    lengths: dict[Name, tuple[str, str]] = Field(default_factory=dict, description="Distances between two joints.")
    speeds: dict[Name, str] = Field(
        default_factory=dict, description="Speeds of joints, of units of length per second, from the frame before to the frame after."
    )

    @property
    def is_asked(self) -> bool:
        """Whether anything is to be measured."""
        return bool(self.angles or self.lengths or self.speeds)


class ExportConfig(Section):
    """What the workflow hands over to other tools, in `results/exports/EXPERIMENT/FORMAT/`; `bkind3d export` writes any format at any time."""

    formats: list[Literal[tuple(EXPORT_FORMATS)]] = Field(  # type: ignore[valid-type]
        default_factory=list, description="Formats that every session's keypoints are written in; docs/hand-over.md says who reads which."
    )


class PaperTableConfig(Section):
    """A table that the target `paper_tables` makes, with its figures, from the experiments that it names; no others are run for it."""

    title: str = Field(description="Title of the table.")
    measure: Literal["pose", "actions"] = Field("pose", description="pose: errors of regressed joints; actions: recognition of behaviours.")
    rows: dict[Name, str] = Field(
        min_length=1, description="Experiments of the table, and what each is called; the others are compared with the first."
    )
    published: str = Field("", description="Data set whose published numbers stand beside the measured ones; empty: none.")
    grid: tuple[Name, ...] = Field((), description="Experiments whose keypoints are drawn into the pictures, beside the true joints.")


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
    calibration: CalibrationConfig = Field(default_factory=CalibrationConfig)
    survey: SurveyConfig = Field(default_factory=SurveyConfig)
    location: LocationConfig = Field(default_factory=LocationConfig)
    framesets: dict[Name, FramesConfig] = Field(default_factory=dict, validate_default=True)
    experiments: dict[Name, ExperimentConfig] = Field(min_length=1, description="What is trained and compared.")
    simulation: SimulationConfig = Field(default_factory=SimulationConfig)
    kinematics: KinematicsConfig = Field(default_factory=KinematicsConfig)
    movements: MovementsConfig = Field(default_factory=MovementsConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
    export: ExportConfig = Field(default_factory=ExportConfig)
    paper: dict[Name, PaperTableConfig] = Field(default_factory=dict, description="Tables of the target `paper_tables`.")

    @field_validator("framesets")
    @classmethod
    def keep_subject(cls, given: dict[str, FramesConfig]) -> dict[str, FramesConfig]:
        """The frameset `subject` is there without being asked for, also where settings are merged that have others."""
        return {"subject": FramesConfig(), **given}

    @model_validator(mode="after")
    def check_references(self) -> "StudyConfig":
        for name, table in self.paper.items():
            for row in (*table.rows, *table.grid):
                if row not in self.experiments:
                    raise ValueError(f"paper.{name} names {row!r}, which is not among the experiments {sorted(self.experiments)}")
        for name, experiment in self.experiments.items():
            if experiment.frames not in self.framesets:
                raise ValueError(f"experiments.{name}.frames {experiment.frames!r} is not among the framesets {sorted(self.framesets)}")
        for name, rig in self.simulation.rigs.items():
            if rig.board not in self.boards:
                raise ValueError(f"simulation.rigs.{name}.board {rig.board!r} is not among the boards {sorted(self.boards)}")
            if self.boards[rig.board].pattern != "charuco":
                raise ValueError(f"simulation.rigs.{name}.board {rig.board!r} is a checkerboard; simulated boards are ChArUco boards")
        return self
