"""TOML of aniposelib (also anipose, Lightning Pose, Pose2Sim, FreeMoCap), which is this project's own format, too."""

from collections.abc import Mapping
from pathlib import Path

from bkind3d.calibration.formats.reading import GivenRig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.calibration_formats import find_tables, read_toml
from bkind3d.geometry.cameras import Camera


def read(path: Path) -> GivenRig:
    """Read a TOML file with one table per camera; its conventions are this project's own."""
    content = read_toml(path)
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    units, error = metadata.get("units"), metadata.get("error")
    return GivenRig(
        find_tables(content, path),
        units if isinstance(units, str) and units else None,
        float(error) if isinstance(error, int | float) and error > 0 else None,
    )


def write(cameras: Mapping[str, Camera], path: Path, units: str, error: float | None) -> None:
    """Write `cameras`, and what is known of their error (pixels)."""
    write_calibration(cameras, path, units, {"error": error})
