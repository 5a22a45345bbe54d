"""VoxelPose's JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from tests.unit.calibration.formats.rigs import KnownCamera


def write_voxelpose(path: Path, rig: list[KnownCamera]) -> Path:
    content = {
        camera.name: {
            "R": camera.rotation.tolist(), "T": (-camera.rotation.T @ camera.translation)[:, None].tolist(),
            "fx": camera.matrix[0, 0], "fy": camera.matrix[1, 1], "cx": camera.matrix[0, 2], "cy": camera.matrix[1, 2],
            "k": [[number] for number in camera.k], "p": [[number] for number in camera.p],
        }
        for camera in rig
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("name", "count", "size"), [("CampusSeq1/calibration_campus", 3, (360, 288)), ("Shelf/calibration_shelf", 5, (1032, 776))]
)
def test_real_rigs_look_at_what_they_film(real_data: Path, name: str, count: int, size: tuple[int, int]) -> None:
    path = real_data / f"calibrations/voxelpose_campus_shelf_json/data/{name}.json"
    cameras, _ = read_given_cameras(path, sizes={"": size})
    assert len(cameras) == count
    # All see one place, at the height of a person, inside of their pictures.
    ahead = np.stack([camera.rotation[2] for camera in cameras.values()])
    centres = np.stack([camera.centre for camera in cameras.values()])
    across = np.eye(3) - ahead[:, :, None] * ahead[:, None]
    focus = np.linalg.lstsq(across.sum(axis=0), np.einsum("vij,vj->i", across, centres), rcond=None)[0]
    assert 0 < focus[2] < 2500
    for camera in cameras.values():
        inside = camera.rotation @ focus + camera.translation
        pixel = camera.matrix @ inside / inside[2]
        assert inside[2] > 0
        assert (pixel[:2] > 0).all()
        assert (pixel[:2] < size).all()
