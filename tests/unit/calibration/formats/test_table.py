"""The plain table."""

from pathlib import Path

import cv2
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from tests.unit.calibration.formats.rigs import KnownCamera, make_rig

HEAD = "camera,width,height,fx,fy,cx,cy,k1,k2,p1,p2,k3,rx,ry,rz,tx,ty,tz"


def write_table(path: Path, rig: list[KnownCamera], head: str = HEAD, end: str = "") -> Path:
    lines = [head]
    for camera in rig:
        (fx, _, cx), (_, fy, cy) = camera.matrix[:2]
        numbers = [
            *camera.size,
            fx,
            fy,
            cx,
            cy,
            *camera.k[:2],
            *camera.p,
            camera.k[2],
            *cv2.Rodrigues(camera.rotation)[0].ravel(),
            *camera.translation,
        ]
        lines.append(",".join([camera.name, *(str(float(number)) for number in numbers)]) + end)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_spreadsheets_habits_do_not_matter(tmp_path: Path) -> None:
    rig = make_rig(["left", "right"])
    plain = read_given_cameras(write_table(tmp_path / "a.csv", rig))[0]
    text = (tmp_path / "a.csv").read_text().replace(",", ";").replace(".", ",")
    (tmp_path / "b.csv").write_text("\ufeff" + text.replace("\n", ";;\n"), encoding="utf-8")
    assert [repr(camera) for camera in read_given_cameras(tmp_path / "b.csv")[0].values()] == [repr(camera) for camera in plain.values()]


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (HEAD.replace("tz", "z"), "column 'tz' is missing; see docs/calibration-formats.md"),
        (HEAD.replace("k3", "k9"), "column 'k9' is none of such a table"),
        (HEAD.replace("camera", "name"), "names no columns 'camera' and 'fx'"),
        (HEAD.replace("p1", "k4"), "column 'k4' is no coefficient of a usual lens"),
    ],
)
def test_what_a_table_lacks_is_said(tmp_path: Path, head: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_given_cameras(write_table(tmp_path / "a.csv", make_rig(["a", "b"]), head))
