import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, View
from bkind3d.survey.parts import check_parts


def test_a_part_outside_of_the_picture_is_refused_before_anything_runs(scene) -> None:
    video = scene.videos["cam1"]

    def make_study(crop: Crop | None, path: Path = video) -> SimpleNamespace:
        row = SimpleNamespace(line=2, part=crop)
        return SimpleNamespace(
            cameras={"s": {"cam1": row}}, sessions={"s": SimpleNamespace(rig="box")}, config=SimpleNamespace(cameras="cameras.tsv"),
            find_view=lambda session, camera: View((path,), crop),
        )  # fmt: skip

    for fine in (make_study(None), make_study(Crop(0, 0, 192, 144)), make_study(Crop(0, 0, 999, 9), scene.folder / "not there yet.mp4")):
        check_parts(fine)
    with pytest.raises(
        InputError, match=r"cameras.tsv: row 2: .*cam1.mp4: the crop 100,0,100,144 is not all inside its pictures of 192x144"
    ):
        check_parts(make_study(Crop(100, 0, 100, 144)))
    os.truncate(video, 100)
    check_parts(make_study(Crop(0, 0, 999, 9)))  # what is wrong with the video is said of its session alone
