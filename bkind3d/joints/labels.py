"""From a session's labels, as they lie in its file, to joints."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bkind3d.data.calibration_files import fit_camera_to_survey, read_calibration
from bkind3d.data.parquet import read_metadata
from bkind3d.geometry.cameras import Camera
from bkind3d.joints.clicks import read_clicks, triangulate_labels

log = logging.getLogger(__name__)


def read_labels(path: Path, calibration: Path, surveys: Mapping[str, str | Path]) -> pd.DataFrame:
    """Triangulate the clicks of a session: a table ``joints`` in world units, with a further column reprojection_px; remarks are logged."""
    table, remarks = triangulate_labels(read_clicks(path), fit_cameras(calibration, surveys), path)
    for remark in remarks:
        log.warning("%s", remark)
    return table


def fit_cameras(calibration: Path, surveys: Mapping[str, str | Path]) -> dict[str, Camera]:
    """The cameras of a session as they see the pictures of its videos, whose size the survey tables say."""
    cameras, _ = read_calibration(calibration)
    fitted = {}
    for name, survey in surveys.items():
        if name in cameras:
            fitted[name] = fit_camera_to_survey(cameras[name], read_metadata(survey), survey)
    return fitted
