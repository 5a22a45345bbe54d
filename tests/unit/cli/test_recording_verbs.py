"""The verbs from board videos to frames: what they refuse, in one line, leaving nothing behind."""

from pathlib import Path

import pytest

from bkind3d.cli import main

JSON = {
    "calibration": "{}",
    "boards": '{"b": {"squares_x": 7, "squares_y": 5, "square_length": 60, "marker_length": 45}}',
    "survey": "{}",
    "location": "{}",
    "frames": "{}",
    "misspelt": '{"thresold": 3}',
}


CAMERA = "size = [64, 48]\nmatrix = [[50, 0, 32], [0, 50, 24], [0, 0, 1]]\ndistortions = [0, 0, 0, 0, 0]\nrotation = [0, 0, 0]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in JSON.items():
        (tmp_path / f"{name}.json").write_text(text)
    cameras = [f"[cam_{index}]\nname = '{name}'\n{CAMERA}translation = [{300 * index}, 0, 500]\n" for index, name in enumerate("ab")]
    (tmp_path / "rig.toml").write_text("\n".join(cameras))
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "out").mkdir()
    return tmp_path


BOARD = "--config {0}/calibration.json --boards {0}/boards.json --units mm --output {0}/out/a.toml --quality {0}/out/a.parquet"
CASES = {
    "survey-video {0}/nowhere.mp4 --config {0}/survey.json --output {0}/out/a.parquet": "nowhere.mp4: there is no such video",
    "survey-video {0}/empty.mp4 --config {0}/survey.json --output {0}/out/a.parquet": "empty.mp4: is empty",
    "survey-video {0}/empty.mp4 --config {0}/misspelt.json --output {0}/out/a.parquet": "unknown key 'thresold'; did you mean 'threshold'?",
    "calibrate-cameras " + BOARD + " --board b --videos a={0}/empty.mp4 b={0}/empty.mp4": "empty.mp4: is empty",
    "calibrate-cameras " + BOARD + " --board c --videos a={0}/empty.mp4 b={0}/empty.mp4": "has no board 'c', only b",
    "calibrate-cameras " + BOARD + " --board b --videos {0}/empty.mp4": "is not of the form NAME=PATH",
    "calibrate-cameras " + BOARD + " --board b --videos a={0}/empty.mp4": "at least 2",
    "calibrate-cameras " + BOARD + " --board b --videos a={0}/empty.mp4 b={0}/empty.mp4 --crops a=0,0,8,8": "empty.mp4: is empty",
    "calibrate-cameras " + BOARD + " --board b --videos a={0}/empty.mp4 b={0}/empty.mp4 --crops c=0,0,8,8": "'c' is none of a, b",
    "calibrate-cameras " + BOARD + " --board b --videos a={0}/empty.mp4 b={0}/empty.mp4 --crops b=0,0,8": "--crops b: crop is '0,0,8'",
    "calibrate-cameras {0} --crops a=0,0,8,8 --output {0}/out/a.toml": "--crops: is for --videos",
    "survey-video {0}/empty.mp4 --config {0}/survey.json --crop 0,0,0,8 --output {0}/out/a.parquet": "crop is '0,0,0,8', which holds no pixel",
    "survey-video {0}/empty.mp4 --config {0}/survey.json --crop 0,0,8,8 --output {0}/out/a.parquet": "empty.mp4: is empty",
    "survey-views {0}/empty.mp4 --config {0}/survey.json --views a=0,0,8,8 b=8,0,8,8 --outputs a={0}/out/a.parquet b={0}/out/b.parquet": "empty.mp4: is empty",
    "survey-views {0}/empty.mp4 --config {0}/survey.json --views a=0,0,8,8 b=8,0 --outputs a={0}/out/a.parquet b={0}/out/b.parquet": "--views b: crop is '8,0'",
    "survey-views {0}/empty.mp4 --config {0}/survey.json --views a=0,0,8,8 b=8,0,8,8 --outputs a={0}/out/a.parquet": "--outputs: has none for 'b'",
    "survey-views {0}/empty.mp4 --config {0}/survey.json --views a=0,0,8,8 --outputs a={0}/out/a.parquet --masks c=x": "--masks: 'c' is none of a",
    "import-calibration {0}/nowhere.toml --units mm --output {0}/out/a.toml --quality {0}/out/a.parquet": "nowhere.toml: cannot be read",
    "import-calibration {0}/boards.json --units mm --size 1x --output {0}/out/a.toml": "--size: '1x' is no picture size",
    "import-calibration {0}/rig.toml --units mm --size c=64x48 -o {0}/out/a.toml": "rig.toml: has no camera 'c', whose size is given; it has a, b",
    "import-calibration {0}/boards.json --units mm -o {0}/out/a.toml": "boards.json: holds no cameras as OpenCV writes them",
    "import-calibration {0}/boards.json --format dannce --units mm -o {0}/out/a.toml": "boards.json: is not a MATLAB file, or damaged",
    "export-calibration {0}/nowhere.toml -o {0}/out/a.yaml": "nowhere.toml: cannot be read",
    "export-calibration {0}/nowhere.toml -o {0}/out/a.csv": "a.csv: has another ending than",
    "import-joints {0}/nowhere.trc --units mm --rate 30 --output {0}/out/a.parquet": "nowhere.trc: cannot be read",
    "locate-subject --config {0}/location.json --calibration {0}/no.toml --surveys a={0}/x b={0}/y --output {0}/out/a.parquet": "no.toml: cannot be read",
    "measure-cube --config {0}/location.json --locations a={0}/x --output {0}/out/a.json": "x: cannot be read",
    "extract-frames {0}/a.mp4 --config {0}/frames.json --camera a --calibration {0}/no.toml --survey {0}/x --location {0}/y --cube {0}/z "
    "--output {0}/out/a.parquet": "no.toml: cannot be read",
}


@pytest.mark.parametrize("command", CASES)
def test_wrong_input_ends_with_one_line_and_leaves_nothing(folder: Path, command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(command.format(folder).split()) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert CASES[command] in lines[0]
    assert lines[0].startswith(f"bkind3d {command.split(maxsplit=1)[0]}: error: ")
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("{0}/out", "out: is a folder; give the name of a file to write"),
        ("{0}/boards.json/a.toml", "a.toml: cannot be written (File exists); make room or rights there, or write to another folder"),
        (
            "/proc/a.toml",
            "/proc/a.toml: cannot be written (No such file or directory); make room or rights there, or write to another folder",
        ),
    ],
)
def test_a_place_where_nothing_can_be_written_is_refused(
    folder: Path, output: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(f"import-calibration {folder}/rig.toml --units mm -o {output.format(folder)}".split()) == 2
    assert message in capfd.readouterr().err.splitlines()[-1]
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("verb", ["calibrate-cameras", "check-calibration", "import-joints"])
@pytest.mark.parametrize("units", ["furlong", ""])
def test_units_are_millimetres_centimetres_or_metres(verb: str, units: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--units", units])
    assert ended.value.code == 2
    assert f"argument --units: invalid choice: {units!r}" in capfd.readouterr().err
