"""A folder of rats as a laboratory films them."""

import pytest

from bkind3d.cli import main
from bkind3d.simulation.layouts.laboratory import RATS, make_config
from bkind3d.simulation.layouts.writing import choose_content


def test_rats_are_the_demos():
    config = make_config(choose_content("laboratory", None, None, 20, 96))
    assert list(config.sessions) == list(RATS)
    assert config.subjects["rat3"].coat == "white"
    assert config.rigs["arena"].height % 2 == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--subjects", "rat9"], "--subjects: there is no 'rat9'; there are rat1, "),
        (["--frames", "3"], "--frames: 3 is too short for a recording; give at least 10"),
        (["--size", "33"], "--size: 33 cannot be filmed; give an even number from 80 on"),
        (["--chunk", "5"], "--chunk: means nothing in the layout laboratory; leave it out"),
        (["--actions", "Walking"], "--actions: means nothing in the layout laboratory; leave it out"),
    ],
)
def test_what_cannot_be_rendered_gets_one_line(tmp_path, capsys, options, message):
    assert main(["simulate", "--layout", "laboratory", "--output", str(tmp_path / "out"), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("drawing")
def test_videos_lie_as_in_a_laboratory(tmp_path):
    assert (
        main(
            [
                "simulate",
                "--layout",
                "laboratory",
                "--subjects",
                "rat2",
                "--frames",
                "10",
                "--size",
                "80",
                "--output",
                str(tmp_path / "out"),
            ]
        )
        == 0
    )
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {f"{folder}/cam{number}.mp4" for folder in ("rat2", "arena_board") for number in range(1, 5)} <= found
    assert {"truth/rat2/joints.parquet", "truth/rat2/behaviours.parquet", "truth/arena/calibration.toml"} <= found
