"""How the subject is found in the videos and cut out of them."""

from typing import Literal

from pydantic import Field, model_validator

from bkind3d.config.sections import Section


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
        description="Largest distance between a view's silhouette and the projected centre, as a share of the picture's longer side; views "
        "beyond it are rejected.",
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
