"""Any rig: 2 to 12 views, each camera of its own size and lens, views that miss frames."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from bkind3d.config import LocationConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.geometry.cameras import Camera
from bkind3d.survey.location import locate_subject
from bkind3d.survey.silhouettes import encode_mask
from tests.unit.survey.conftest import RADIUS, draw_ball, make_camera, make_track

SIZES = ((192, 144), (144, 192), (320, 240), (96, 96))
N_FRAMES = 12


def make_rig(n_views: int) -> dict[str, Camera]:
    """Cameras all around, in turn of four sizes and two kinds of lenses."""
    cameras = {}
    for index in range(n_views):
        size = SIZES[index % len(SIZES)]
        place = [900 * np.cos(2.4 * index), 900 * np.sin(2.4 * index), 450.0 + 30 * index]
        camera = make_camera(f"cam{index}", place, size, focal=min(size) * (1.2 + 0.05 * index))
        fisheye = replace(camera, fisheye=True, distortion=np.array([0.02, -0.01, 0.0, 0.0]))
        cameras[camera.name] = fisheye if index % 3 == 2 else camera
    return cameras


def write_survey(path: Path, camera: Camera, track: np.ndarray, missing: set[int]) -> None:
    """What the survey would find in a video of this camera."""
    rows = []
    for frame, centre in enumerate(track):
        picture = np.zeros((camera.size[1], camera.size[0], 3), np.uint8)
        if frame not in missing:
            draw_ball(picture, camera, centre, (255, 255, 255))
        mask = np.where(picture[..., 0] > 127, 255, 0).astype(np.uint8)
        moments, (x, y, width, height) = cv2.moments(mask, binaryImage=True), cv2.boundingRect(mask)
        area = moments["m00"]
        numbers = [area, moments["m10"] / area, moments["m01"] / area, x, y, x + width - 1, y + height - 1] if area else []
        names = ("area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1")
        described = dict(zip(names, numbers or [0.0] + 6 * [np.nan], strict=True))
        fault = "missing" if frame in missing else ""
        rows.append({"frame": frame, "time_s": frame / 30, "brightness": 90.0, "motion": 1.0, **described, "fault": fault,
                     "mask": encode_mask(mask), "shadows": b"", "video_frame": frame, "clusters": numbers})  # fmt: skip
    width, height = camera.size
    metadata = {"width": width, "height": height, "video_width": width, "video_height": height, "rate": 30.0, "n_frames": len(track)}
    write_table(pd.DataFrame(rows), "survey", path, metadata)


@pytest.mark.parametrize("n_views", [2, 3, 7, 12])
def test_a_rig_of_many_kinds_of_cameras_locates_the_ball(tmp_path: Path, n_views: int) -> None:
    cameras, track = make_rig(n_views), make_track(N_FRAMES)
    # Every camera misses another frame; of two, each alone would leave a gap.
    for index, camera in enumerate(cameras.values()):
        write_survey(tmp_path / f"{camera.name}.parquet", camera, track, {(3 * index + 2) % N_FRAMES} if n_views > 2 else set())
    write_calibration(cameras, tmp_path / "rig.toml", "mm")
    surveys = {name: tmp_path / f"{name}.parquet" for name in cameras}
    locate_subject(LocationConfig(smooth_seconds=0), tmp_path / "rig.toml", surveys, tmp_path / "location.parquet")
    table = read_table(tmp_path / "location.parquet", "location")
    assert table["valid"].all()
    assert np.linalg.norm(table[["x", "y", "z"]].to_numpy() - track, axis=1).max() < 0.2 * RADIUS
    assert n_views - 3 <= table["n_views"].min() <= table["n_views"].max() <= n_views
    assert 2 * RADIUS < read_metadata(tmp_path / "location.parquet")["extent"] < 4 * RADIUS
