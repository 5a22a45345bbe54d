import json

import numpy as np
import pytest

xarray = pytest.importorskip("xarray")

from bkind3d.export.movement import write_session  # noqa: E402
from tests.unit.export.conftest import NAMES, RATE, make_confidences, make_positions  # noqa: E402

MOVEMENT = """
import json, sys
import xarray
from movement.kinematics import compute_velocity
from movement.validators.datasets import ValidPosesInputs
data = xarray.load_dataset(sys.argv[1])
ValidPosesInputs.validate(data)
velocity = compute_velocity(data.position)
assert list(data.keypoints.values) == json.loads(sys.argv[2])
order = ("time", "keypoints", "space", "individuals")
print(json.dumps({"position": data.position.transpose(*order).values[..., 0].tolist(), "velocity": velocity.transpose(*order).values[..., 0].tolist(),
                  "confidence": data.confidence.values[..., 0].tolist(), "fps": data.attrs["fps"], "unit": data.attrs["time_unit"]}))
"""


def test_xarray_reads_positions_times_and_names(session, tmp_path):
    write_session(session, tmp_path / "s1.nc")
    with xarray.open_dataset(tmp_path / "s1.nc", engine="h5netcdf") as data:
        assert data.position.dims == ("time", "space", "keypoints", "individuals")
        assert data.keypoints.values.tolist() == NAMES
        assert data.individuals.values.tolist() == ["m1"]
        np.testing.assert_allclose(data.time.values, np.arange(20) / RATE)
        np.testing.assert_array_equal(data.position.sel(individuals="m1").transpose("time", "keypoints", "space").values, make_positions())
        assert data.position.attrs["units"] == "cm"


def test_movement_takes_it_for_its_own(session, tmp_path, read_elsewhere):
    write_session(session, tmp_path / "s1.nc")
    found = read_elsewhere("BKIND3D_MOVEMENT_PYTHON", MOVEMENT, tmp_path / "s1.nc", json.dumps(NAMES))
    np.testing.assert_allclose(np.array(found["position"], float), make_positions(), rtol=1e-6)
    np.testing.assert_allclose(np.array(found["confidence"], float), make_confidences(), rtol=1e-6)
    assert (found["fps"], found["unit"]) == (RATE, "seconds")
    # 0.4 cm per frame along x.
    assert np.array(found["velocity"], float)[12, 1, 0] == pytest.approx(0.4 * RATE, rel=1e-3)
