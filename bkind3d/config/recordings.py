"""What is done with recordings: boards, how cameras are calibrated, and how the subject is found in the videos and cut out of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator, model_validator

from bkind3d.config.errors import InputError
from bkind3d.config.files import read_values
from bkind3d.config.sections import Name, Section, parse_section


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
        if (needed := self.squares_x * self.squares_y // 2) > self.dictionary_size:
            found = f"{self.squares_x} x {self.squares_y} squares need {needed} markers"
            raise ValueError(f"{found}, dictionary_size is {self.dictionary_size}")
        return self


class CalibrationConfig(Section):
    """How the cameras are calibrated from board videos, and what is good enough."""

    max_board_frames: int = Field(100, ge=10, le=2000, description="Frames of a board video that are searched, evenly spread.")
    floor_frame: int | None = Field(
        None,
        ge=0,
        description="Frame of the board videos in which the board lies still on the floor: it becomes the world's origin and horizontal "
        "plane. Without it, up is the mean up of the cameras.",
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


def read_boards(path: str | Path) -> dict[str, BoardConfig]:
    """Read boards by name from the JSON or YAML file at `path`: the section `boards` of a study's settings, or the boards alone."""
    values = read_values(path) or {}
    if isinstance(values, dict) and isinstance(values.get("boards"), dict):
        values = values["boards"]
    if not isinstance(values, dict):
        raise InputError(
            path, f"boards are given as name: settings, found {type(values).__name__}", "write the board's name before its settings"
        )
    return {str(name): parse_section(BoardConfig, board, f"{path}: board {name!r}") for name, board in values.items()}


#: The usual threshold of what differs from the background, robust standard deviations.
_CONTRAST = 4.0


class SurveyConfig(Section):
    """How a video's background and silhouettes are found."""

    long_side: int = Field(320, ge=64, le=4096, description="Longer side, in pixels, of the picture in which silhouettes are found.")
    background_frames: int = Field(100, ge=5, le=2000, description="Frames, evenly spread, of which the background is the median.")
    threshold: Annotated[float, Field(gt=0)] | Literal["bright", "dark"] = Field(
        _CONTRAST,
        description="Contrast to the background, in robust standard deviations of it, of a foreground pixel; bright or dark: "
        "the subject is all brighter, or darker, than the room (in front of a light, say), and no background is needed.",
    )
    min_contrast: float = Field(14.0, ge=0, le=255, description="Least contrast to the background, in grey levels, of a foreground pixel.")
    shadow_ratio: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A pixel darkened evenly, to no less than this share, is a shadow; 1 turns this off. Without colour (infrared) there are none.",
    )
    close_px: int = Field(
        5, ge=0, le=101, description="Gaps up to this many pixels inside a silhouette are closed, unless they plainly show the background."
    )
    min_area: float = Field(0.0005, ge=0, lt=1, description="Least area of a silhouette, as a share of the picture.")

    @field_validator("threshold", mode="wrap")
    @classmethod
    def check_threshold(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise ValueError(f"{value!r} is neither a number above 0, nor bright or dark") from None

    @property
    def contrast(self) -> float:
        """The threshold of what differs from the background."""
        return _CONTRAST if isinstance(self.threshold, str) else self.threshold


class LocationConfig(Section):
    """How the subject's centre and size are found from silhouettes."""

    max_residual: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Largest distance between a view's silhouette and the projected centre, as a share of the picture's longer side; views beyond it are rejected.",
    )
    region: tuple[tuple[float, float, float], tuple[float, float, float]] | None = Field(
        None,
        description="Box that the subject's centre stays in, as [[x, y, z], [x, y, z]] (lowest and highest corner, world, the rig's units). What moves elsewhere is somebody else.",
    )
    centre: tuple[float, float, float] | None = Field(
        None,
        description="Centre of the cube, [x, y, z] (world, the rig's units), of a subject that is tethered or whose head is fixed: the same in every frame.",
    )
    smooth_seconds: float = Field(0.15, ge=0, le=10, description="Width of the smoothing of the centre over time.")
    max_gap_seconds: float = Field(0.5, ge=0, le=60, description="Longest gap over which the centre is interpolated.")
    side: float | None = Field(
        None,
        gt=0,
        description="Side of the cube around the subject, in the rig's units; without it, one for all sessions is measured in the silhouettes of the first six training sessions.",
    )
    correct_offsets: bool = Field(
        False,
        description="Whether cameras that are out of sync beyond doubt are shifted by whole frames; offsets are reported in any case.",
    )
    max_offset_frames: int = Field(30, ge=1, le=1000, description="Largest offset between two cameras that is looked for, in frames.")
    side_margin: float = Field(1.2, ge=1, le=3, description="Factor between the measured extent of the subject and the cube's side.")

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
