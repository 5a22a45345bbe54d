"""``python -m benchmarks.first_contact``: folders as other laboratories have them, and what ``init`` makes of each; then single files; tables in Markdown.

A situation ends right (exit code 0, and the sheets say what is expected), or in one line with exit code 2 that names file, reason and remedy.
"""

# One row, one situation.
# ruff: noqa: E501
import contextlib
import io
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import scipy.io
from scipy.spatial.transform import Rotation

from bkind3d.cli import main
from bkind3d.data.calibration_files import write_calibration
from bkind3d.geometry.cameras import Camera
from bkind3d.study.opening import load_study

#: Pictures of the tiny videos, and their lengths in frames.
SIZE, LENGTHS = (64, 48), (6, 9)
Make = Callable[[Path], None]


@dataclass(frozen=True)
class Situation:
    """A folder, and what has to come of it.

    Attributes
    ----------
    name : what it is.
    videos : paths; a length may follow (``a.mp4=9``).
    files : what else lies there: who writes it, by its path.
    options : of ``init``.
    sessions : expected cameras of every session, or none where it has to be refused.
    rigs : expected calibration or board videos of every session.
    said : words that have to be said.
    subjects : expected subjects, where they matter.
    """

    name: str
    videos: Sequence[str]
    files: Mapping[str, Make] = field(default_factory=dict)
    options: Sequence[str] = ()
    sessions: Mapping[str, Sequence[str]] | None = None
    rigs: Mapping[str, str] = field(default_factory=dict)
    said: Sequence[str] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)


def make_cameras(names: Sequence[str], shift: float = 0.0, scale: float = 1.0, size: tuple[int, int] = SIZE) -> dict[str, Camera]:
    """Cameras on a circle of 500 (times `scale`), which look to its middle; `shift` moves them all."""
    cameras = {}
    for index, name in enumerate(names):
        turn = Rotation.from_euler("y", 0.6 * index).as_matrix()
        matrix = np.array([[60.0, 0, size[0] / 2 - 0.5], [0, 60.0, size[1] / 2 - 0.5], [0, 0, 1]])
        cameras[name] = Camera(name, size, matrix, np.zeros(5), turn, scale * np.array([shift, 0, 500.0]))
    return cameras


def toml(*names: str, shift: float = 0.0, scale: float = 1.0, size: tuple[int, int] = SIZE) -> Make:
    """A calibration as anipose, Lightning Pose and Pose2Sim have it, which does not state its units."""

    def write(path: Path) -> None:
        write_calibration(make_cameras(names, shift, scale, size), path, "mm")
        path.write_text(path.read_text(encoding="utf-8").replace('"units" = "mm"\n', ""), encoding="utf-8")

    return write


def copied(*names: str) -> Make:
    """A calibration of which the last camera is a copy of the first."""

    def write(path: Path) -> None:
        cameras = make_cameras(names)
        first = cameras[names[0]]
        last = Camera(names[-1], first.size, first.matrix, first.distortion, first.rotation, first.translation)
        write_calibration(cameras | {names[-1]: last}, path, "mm")

    return write


def label3d(*names: str) -> Make:
    """A file of Label3D (DANNCE): MATLAB's transposed matrices, no picture size."""

    def write(path: Path) -> None:
        cells, called = np.empty((len(names), 1), dtype=object), np.empty((1, len(names)), dtype=object)
        for index, camera in enumerate(make_cameras(names).values()):
            matrix = camera.matrix + np.array([[0, 0, 1.0], [0, 0, 1.0], [0, 0, 0]])
            pose = {"r": camera.rotation.T, "t": camera.translation[None]}
            cells[index, 0] = {"K": matrix.T, "RDistort": np.zeros((1, 2)), "TDistort": np.zeros((1, 2)), **pose}
            called[0, index] = camera.name
        scipy.io.savemat(path, {"params": cells, "camnames": called})

    return write


def deepfly3d(count: int) -> Make:
    """A result of DeepFly3D, whose cameras have numbers and no picture size."""

    def write(path: Path) -> None:
        content = {
            int(name): {"R": camera.rotation, "tvec": camera.translation, "intr": camera.matrix, "distort": camera.distortion}
            for name, camera in make_cameras([str(number) for number in range(count)]).items()
        }
        path.write_bytes(pickle.dumps(content))

    return write


def text(content: str) -> Make:
    """A text."""
    return lambda path: path.write_text(content, encoding="utf-8") and None


ANIPOSE = text(
    'nesting = 1\n[calibration]\nboard_type = "charuco"\nboard_size = [7, 10]\nboard_marker_bits = 4\nboard_marker_dict_number = 50\n'
    "board_marker_length = 18.75\nboard_square_side_length = 25\n[triangulation]\ncam_regex = '_([A-Z])'\n"
)
SLEAP = text("board_x = 8\nboard_y = 11\nsquare_length = 24.0\nmarker_length = 18.75\nmarker_bits = 4\ndict_size = 1000\n")
CHARUCO = text(
    'columns = 4\nrows = 5\nboard_height = 11.0\nboard_width = 8.5\ndictionary = "DICT_4X4_50"\nunits = "inch"\naruco_scale = 0.75\n'
    "square_size_overide_cm = 5.4\ninverted = false\n"
)


def cross(pattern: str, **values: Sequence[str]) -> list[str]:
    """Every way to fill the braces."""
    paths = [pattern]
    for key, words in values.items():
        paths = [path.replace(f"{{{key}}}", word) for path in paths for word in words]
    return paths


DAYS, AB, TOPSIDE = ("D1", "D2"), ("camA", "camB"), ("side", "top")
DAY_VIDEOS = cross("{day}/videos-raw/mouse_{cam}.mp4", day=DAYS, cam=AB)
DAY_SESSIONS = {"D1_mouse": AB, "D2_mouse": AB}
PLAIN = cross("{s}/{c}.mp4", s=("m1", "m2"), c=TOPSIDE)
PLAIN_SESSIONS = {"m1": TOPSIDE, "m2": TOPSIDE}
FLY = [str(number) for number in range(7)]

#: The layouts of six programs.
LAYOUTS = (
    Situation("anipose, a board for each day", [*DAY_VIDEOS, *cross("{day}/calibration/calib_{cam}.mov", day=DAYS, cam=AB)], {"config.toml": ANIPOSE},
              sessions=DAY_SESSIONS, rigs={"D1_mouse": "D1/calibration/calib_{camera}.mov", "D2_mouse": "D2/calibration/calib_{camera}.mov"},
              said=["7x10:25:18.75:4x4_50", "mouse: D1_mouse, D2_mouse"], subjects={"D1_mouse": "mouse", "D2_mouse": "mouse"}),
    Situation("DANNCE, Label3D's cameras without picture size", cross("videos/Camera{n}/0.mp4", n=("1", "2", "3")), {"rig_dannce.mat": label3d("Camera1", "Camera2", "Camera3")},
              sessions={"recordings": ["Camera1", "Camera2", "Camera3"]}, rigs={"recordings": "rig_dannce.mat"}, said=["as filmed, 64x48; change it with --size"]),
    Situation("DeepFly3D, seven numbered cameras without picture size", [f"images/camera_{n}.mp4" for n in FLY], {"images/df3d/df3d_result.pkl": deepfly3d(7)},
              sessions={"recordings": [f"camera_{n}" for n in FLY]}, rigs={"recordings": "images/df3d/df3d_result.pkl"}, said=["as filmed, 64x48"]),
    Situation("Pose2Sim, a calibration in metres", cross("videos/cam0{n}.mp4", n=("1", "2", "3")), {"calibration/Calib.toml": toml("cam_01", "cam_02", "cam_03", scale=1e-3), "Config.toml": text("[project]\nframe_rate = 60\n")},
              said=["calibration/Calib.toml", "(m) with --units"]),
    Situation("... with --units m", cross("videos/cam0{n}.mp4", n=("1", "2", "3")), {"calibration/Calib.toml": toml("cam_01", "cam_02", "cam_03", scale=1e-3), "Config.toml": text("[project]\nframe_rate = 60\n")},
              ["--units", "m"], sessions={"recordings": ["cam01", "cam02", "cam03"]}, rigs={"recordings": "calibration/Calib.toml"}),
    Situation("sleap-anipose, board movies and a calibration with a copied camera", [*cross("{c}/minimal_{c}.mp4", c=TOPSIDE), *cross("{c}/calibration_images/m-{c}-calibration.MOV", c=TOPSIDE)],
              {"board.toml": SLEAP, "calibration.toml": copied("side", "top")}, sessions={"minimal": TOPSIDE},
              rigs={"minimal": "{camera}/calibration_images/m-{camera}-calibration.MOV"}, said=["8x11:24:18.75:4x4_1000", "calibration.toml: cameras 'side' and 'top' have the same position"]),
    Situation("Lightning Pose, a calibration for each session", cross("videos/{s}_{c}.mp4", s=("s0", "s1"), c=TOPSIDE), {"calibrations/s0.toml": toml(*TOPSIDE), "calibrations/s1.toml": toml(*TOPSIDE, shift=9)},
              sessions={"s0": TOPSIDE, "s1": TOPSIDE}, rigs={"s0": "calibrations/s0.toml", "s1": "calibrations/s1.toml"}),
)  # fmt: skip

OTHERS = (
    Situation("anipose, a calibration for each day", DAY_VIDEOS, {f"{day}/calibration/calibration.toml": toml(*AB, shift=n) for n, day in enumerate(DAYS)},
              sessions=DAY_SESSIONS, rigs={f"{day}_mouse": f"{day}/calibration/calibration.toml" for day in DAYS}),
    Situation("a calibration for one of two days", DAY_VIDEOS, {"D1/calibration/calibration.toml": toml(*AB)}, said=["session 'D2_mouse' has no calibration", "belongs to session D1_mouse", "--calibration FILE"]),
    Situation("... given for all", DAY_VIDEOS, {"D1/calibration/calibration.toml": toml(*AB)}, ["--calibration", "{folder}/D1/calibration/calibration.toml"],
              sessions=DAY_SESSIONS, rigs={f"{day}_mouse": "D1/calibration/calibration.toml" for day in DAYS}),
    Situation("boards in day1/board, day2/board; the board is typed", [*cross("{d}/{c}.mp4", d=("day1", "day2"), c=AB), *cross("{d}/board/{c}.mp4", d=("day1", "day2"), c=AB)], options=["--board", "7x5:60:45:5x5_100"],
              sessions={"day1": AB, "day2": AB}, rigs={"day1": "day1/board/{camera}.mp4", "day2": "day2/board/{camera}.mp4"}),
    Situation("boards, and nobody says what was printed", [*PLAIN, *cross("board/{c}.mp4", c=TOPSIDE)], said=["shows a board that no file describes", "--board 8x11:24:18.75"]),
    Situation("caliscope's charuco.toml", [*PLAIN, *cross("calib/{c}.mp4", c=TOPSIDE)], {"charuco.toml": CHARUCO}, sessions=PLAIN_SESSIONS, rigs={"m1": "calib/{camera}.mp4"}, said=["4x5:54:40.5:4x4_50"]),
    Situation("two files that describe different boards", [*PLAIN, *cross("calib/{c}.mp4", c=TOPSIDE)], {"board.toml": SLEAP, "charuco.toml": CHARUCO}, said=["say which one was filmed: --board 8x11:24:18.75:4x4_1000 (board.toml) or --board 4x5"]),
    Situation("--board without board videos", PLAIN, {"rig.toml": toml(*TOPSIDE)}, ["--board", "7x5:60:45"], said=["has no videos of a board", "leave it out"]),
    Situation("--board with a part too many", [*PLAIN, *cross("calib/{c}.mp4", c=TOPSIDE)], options=["--board", "8x11:24:18.75:5"], said=["'5' is no dictionary of markers", "5x5_100"]),
    Situation("--board and --calibration", [*PLAIN, *cross("calib/{c}.mp4", c=TOPSIDE)], {"rig.toml": toml(*TOPSIDE)}, ["--board", "7x5:60:45", "--calibration", "{folder}/rig.toml"], said=["give one of them"]),
    Situation("board videos that lack a camera", [*PLAIN, "calib/top.mp4", "calib/oblique.mp4"], options=["--board", "7x5:60:45"], said=["session 'm1' has 'side', too", "film the board with all cameras"]),
    Situation("board videos in pieces", [*PLAIN, *cross("calib/{c}_{p}.mp4", c=TOPSIDE, p=("1", "2"))], options=["--board", "7x5:60:45"], sessions=PLAIN_SESSIONS,
              rigs={"m1": "calib/{camera}_1.mp4;calib/{camera}_2.mp4"}, said=["Assumed that calib/{camera}_1.mp4 and calib/{camera}_2.mp4 are one video of a board in pieces"]),
    Situation("two recordings of a board of other lengths", [*PLAIN, *cross("calib/{c}_1.mp4", c=TOPSIDE), *cross("calib/{c}_2.mp4=9", c=TOPSIDE)], options=["--board", "7x5:60:45"], sessions=PLAIN_SESSIONS,
              rigs={"m1": "calib/{camera}_2.mp4"}, said=["a board's video that no session needs (calib/{camera}_1.mp4)"]),
    Situation("a semicolon in a board video's path", [*PLAIN, *cross("calib/{c};1.mp4", c=TOPSIDE)], options=["--board", "7x5:60:45"], said=["a sheet cannot hold ';' in a path; rename"]),
    Situation("board videos alone", cross("calib/{c}.mp4", c=TOPSIDE), said=["calibrate-cameras", "--board 8x11:24:18.75 -o calibration.toml"]),
    Situation("board videos and a calibration, the board unknown", [*PLAIN, *cross("calib/{c}.mp4", c=TOPSIDE)], {"rig.toml": toml(*TOPSIDE)}, sessions=PLAIN_SESSIONS, rigs={"m1": "rig.toml"}, said=["a board's video that no session needs"]),
    Situation("one calibration under two names", PLAIN, {"a.toml": toml(*TOPSIDE), "b.toml": toml(*TOPSIDE)}, sessions=PLAIN_SESSIONS, rigs={"m1": "a.toml"}, said=["b.toml: equal to a.toml"]),
    Situation("two calibrations that differ", PLAIN, {"a.toml": toml(*TOPSIDE), "old/b.toml": toml(*TOPSIDE, shift=9)}, said=["a.toml, old/b.toml all have the cameras", "--calibration"]),
    Situation("... one of them chosen", PLAIN, {"a.toml": toml(*TOPSIDE), "old/b.toml": toml(*TOPSIDE, shift=9)}, ["--calibration", "{folder}/old/b.toml"], sessions=PLAIN_SESSIONS, rigs={"m2": "old/b.toml"}, said=["a.toml: a calibration, but --calibration names another"]),
    Situation("a copied camera in the nearest calibration, a good one above", PLAIN, {"rig.toml": toml(*TOPSIDE), "m1/rig.toml": copied(*TOPSIDE)}, said=["session 'm1'", "m1/rig.toml: cameras 'side' and 'top' have the same position"]),
    Situation("the only calibration has a copied camera", PLAIN, {"rig.toml": copied(*TOPSIDE)}, said=["rig.toml: cameras 'side' and 'top' have the same position", "--calibration FILE"]),
    Situation("a calibration for pictures of another shape", PLAIN, {"rig.toml": toml(*TOPSIDE, size=(64, 64))}, said=["rig.toml: camera 'side': the calibration is for 64x64 pixels, the video has 64x48"]),
    Situation("a calibration of other cameras", PLAIN, {"rig.toml": toml("left", "right")}, said=["rig.toml: has the cameras left, right", "side, top"]),
    Situation("a calibration for each date, by its name", cross("videos/{d}_{c}.mp4", d=("2024-05-01", "2024-05-02"), c=TOPSIDE), {"calib_20240501.toml": toml(*TOPSIDE), "calib_20240502.toml": toml(*TOPSIDE, shift=9)},
              sessions={"2024-05-01": TOPSIDE, "2024-05-02": TOPSIDE}, rigs={"2024-05-01": "calib_20240501.toml", "2024-05-02": "calib_20240502.toml"}),
    Situation("a calibration for each session, its name among other words", cross("{s}_{c}.mp4", s=("mouse1", "mouse12"), c=TOPSIDE), {"mouse1_calib.toml": toml(*TOPSIDE), "rig-mouse12.toml": toml(*TOPSIDE, shift=9)},
              sessions={"mouse1": TOPSIDE, "mouse12": TOPSIDE}, rigs={"mouse1": "mouse1_calib.toml", "mouse12": "rig-mouse12.toml"}),
    Situation("a calibration for one day, the typed board for the other", [*DAY_VIDEOS, *cross("D2/calibration/calib_{cam}.mov", cam=AB)], {"D1/calibration.toml": toml(*AB)}, ["--board", "7x5:60:45"],
              sessions=DAY_SESSIONS, rigs={"D1_mouse": "D1/calibration.toml", "D2_mouse": "D2/calibration/calib_{camera}.mov"}),
    Situation("a typed board that a camera did not see, beside a calibration", [*PLAIN, "calib/top.mp4", "calib/oblique.mp4"], {"rig.toml": toml(*TOPSIDE)}, ["--board", "7x5:60:45"], said=["session 'm1' has 'side', too", "film the board with all cameras"]),
    Situation("times behind the cameras' names", ["Camera1_2024-05-01T10-10-10.avi", "Camera2_2024-05-01T10-10-11.avi"], {"rig.toml": toml("Camera1", "Camera2")}, said=["rig.toml: has the cameras Camera1, Camera2", "say --pattern with {camera} where its names stand"]),
    Situation("... said: camera and time", ["Camera1_2024-05-01T10-10-10.avi", "Camera2_2024-05-01T10-10-11.avi"], {"rig.toml": toml("Camera1", "Camera2")}, ["--pattern", "{camera}_*.avi"], sessions={"recordings": ["Camera1", "Camera2"]}),
    Situation("cameras from 0 in the calibration, from 1 in the videos", cross("m1/cam{c}.mp4", c="12"), {"rig.toml": toml("cam_0", "cam_1")}, said=["rig.toml: has the cameras cam_0, cam_1", "name the cameras as a calibration does"]),
    Situation("--size where the file has none, wrong by far", cross("videos/Camera{n}/0.mp4", n=("1", "2")), {"rig_dannce.mat": label3d("Camera1", "Camera2")}, ["--size", "256x192"],
              sessions={"recordings": ["Camera1", "Camera2"]}, said=["lies far from the middle", "is the size right?"]),
    Situation("--size where the file says another", PLAIN, {"rig.toml": toml(*TOPSIDE)}, ["--size", "640x480"], said=["the size given is 640x480; leave it out"]),
    Situation("--size that no file needs", PLAIN, {"rig.toml": toml(*TOPSIDE)}, ["--size", "64x48"], said=["of which none is used; leave it out"]),
    Situation("no calibration at all", PLAIN, said=["session 'm1' has no calibration with its cameras", "--calibration FILE"]),
    Situation("days above, cameras behind a hyphen", cross("{d}/videos-raw/vid01-{c}.mp4", d=("2019-08-01", "2019-08-02"), c=AB), {"calibration/calibration.toml": toml(*AB)},
              sessions={"2019-08-01_vid01": AB, "2019-08-02_vid01": AB}, rigs={"2019-08-02_vid01": "calibration/calibration.toml"}),
    Situation("a session lacks a camera", ["m1/a.mp4", "m1/b.mp4", "m1/c.mp4", "m2/a.mp4", "m2/b.mp4"], {"rig.toml": toml("a", "b", "c")}, sessions={"m1": "abc", "m2": "ab"}, said=["m2 has no camera c"]),
    Situation("recordings have the cameras' numbers", cross("cam_{c}/rec_{r}.mp4", c=("1", "2"), r=("1", "2")), {"rig.toml": toml("cam_1", "cam_2")}, sessions={"rec_1": ["cam_1", "cam_2"], "rec_2": ["cam_1", "cam_2"]}),
    Situation("a camera that is not in the calibration", cross("{s}/{c}.mp4", s=("m1", "m2"), c=("side", "top", "front")), {"rig.toml": toml(*TOPSIDE)}, sessions=PLAIN_SESSIONS, said=["names no camera of the calibration"]),
    Situation("pieces, cam1_1 and cam1_2", cross("cam{c}_{p}.mp4", c=("1", "2"), p=("1", "2")), {"rig.toml": toml("cam1", "cam2")}, sessions={"recordings": ["cam1", "cam2"]}, said=["one video in pieces", "--pattern"]),
    Situation("pieces in a folder for each camera", cross("cam{c}/00{p}.mp4", c=("1", "2"), p=("1", "2", "3")), {"rig.toml": toml("cam1", "cam2")}, sessions={"recordings": ["cam1", "cam2"]}, said=["one video in pieces"]),
    Situation("a GoPro's chapters, numbers alike", cross("cam{c}/GH0{p}0123.MP4", c="12", p="12"), {"rig.toml": toml("cam1", "cam2")}, sessions={"GH010123": ["cam1", "cam2"], "GH020123": ["cam1", "cam2"]}, said=["if they are chapters of one video of a GoPro: --pattern '{camera}/GH{part}'"]),
    Situation("... said: the part", cross("cam{c}/GH0{p}0123.MP4", c="12", p="12"), {"rig.toml": toml("cam1", "cam2")}, ["--pattern", "{camera}/GH{part}"], sessions={"recordings": ["cam1", "cam2"]}, said=["(GH010123.MP4, GH020123.MP4) are one video in pieces"]),
    Situation("a GoPro's chapters, each camera counts by itself", [*cross("cam1/GX0{p}0123.MP4", p="12"), *cross("cam2/GX0{p}0457.MP4", p="12")], {"rig.toml": toml("cam1", "cam2")}, said=["say --pattern with {camera} where its names stand"]),
    Situation("... said: the pattern", [*cross("cam1/GX0{p}0123.MP4", p="12"), *cross("cam2/GX0{p}0457.MP4", p="12")], {"rig.toml": toml("cam1", "cam2")}, ["--pattern", "{camera}/GX{part}.MP4"], sessions={"recordings": ["cam1", "cam2"]}),
    Situation("trials of other lengths", ["cam1_1.mp4", "cam1_2.mp4=9", "cam2_1.mp4", "cam2_2.mp4=9"], {"rig.toml": toml("cam1", "cam2")}, sessions={"1": ["cam1", "cam2"], "2": ["cam1", "cam2"]}),
    Situation("copies with drawings", [*PLAIN, *cross("annotated_videos/{s}/{c}.mp4", s=("m1", "m2"), c=TOPSIDE)], {"rig.toml": toml(*TOPSIDE)}, sessions=PLAIN_SESSIONS, said=["a copy with drawings"]),
    Situation("DeepLabCut's labelled copies beside the videos", [*PLAIN, *cross("{s}/{c}DLC_resnet50_xJan1shuffle1_labeled.mp4", s=("m1", "m2"), c=TOPSIDE)], {"rig.toml": toml(*TOPSIDE)}, sessions=PLAIN_SESSIONS, said=["a copy with drawings"]),
    *(Situation(f"a folder called {name}", [f"{name}/{path}" for path in PLAIN], {f"{name}/rig.toml": toml(*TOPSIDE)}, ["--in", name], sessions=PLAIN_SESSIONS) for name in ("20240501", "no", "null", "1e5")),
    Situation("a tab in a path", cross("m\t1/{c}.mp4", c=TOPSIDE), {"rig.toml": toml(*TOPSIDE)}, said=["a sheet cannot hold '\\t' in a path; rename"]),
    Situation("a semicolon in a path", cross("m1/{c};x.mp4", c=TOPSIDE), {"rig.toml": toml(*TOPSIDE)}, ["--pattern", "{session}/{camera};x.mp4"], said=["a sheet cannot hold ';' in a path; rename"]),
    Situation("braces in a path", cross("m{1}/{c}.mp4", c=TOPSIDE), {"rig.toml": toml(*TOPSIDE)}, said=["a sheet cannot hold '{' in a path; rename"]),
    Situation("one animal on two dates", cross("{d}_anna_{c}.mp4", d=("2024-05-01", "2024-05-02"), c=TOPSIDE), {"rig.toml": toml(*TOPSIDE)},
              sessions={"2024-05-01_anna": TOPSIDE, "2024-05-02_anna": TOPSIDE}, subjects={"2024-05-01_anna": "anna", "2024-05-02_anna": "anna"}, said=["anna: 2024-05-01_anna, 2024-05-02_anna"]),
    Situation("--subject as a pattern", cross("{s}_{c}.mp4", s=("x-a-1", "x-a-2", "x-b-1"), c=TOPSIDE), {"rig.toml": toml(*TOPSIDE)}, ["--subject", "x-{subject}-*"],
              sessions=dict.fromkeys(("x-a-1", "x-a-2", "x-b-1"), TOPSIDE), subjects={"x-a-1": "a", "x-a-2": "a", "x-b-1": "b"}),
    Situation("--subject that fits no session", PLAIN, {"rig.toml": toml(*TOPSIDE)}, ["--subject", "{subject}_day*"], said=["does not fit session 'm1'"]),
    Situation("--pattern that fits nothing", PLAIN, {"rig.toml": toml(*TOPSIDE)}, ["--pattern", "{camera}-{session}.mp4"], said=["fits none of the 4 videos"]),
    Situation("the mirror's views in one video", ["videos/test_vid.mp4"], said=["holds one video", "--views"]),
    Situation("pictures in place of videos", [], {"labeled-data/img00.png": text("x"), "labeled-data/img01.png": text("x")}, said=["holds no videos", "2 .png", "name the folder that holds the recordings"]),
    Situation("caliscope's recording, with the times of all frames", cross("rec/cam_{c}.mp4", c=("1", "2")), {"camera_array.toml": toml("cam_1", "cam_2"), "rec/timestamps.csv": text("cam_id,frame_time\n" + "".join(f"{c},{100 + n / 30}\n" for n in range(6) for c in (1, 2)))},
              sessions={"rec": ["cam_1", "cam_2"]}, said=["Frames of rec are paired by their times in rec/timestamps.csv"]),
    Situation("a world in which y points down", [f"m1/camera_{n}.mp4" for n in FLY], {"rig.toml": toml(*(f"camera_{n}" for n in FLY))}, sessions={"m1": [f"camera_{n}" for n in FLY]}, said=["Assumed that z points up in rig.toml, but in the pictures of most cameras -y does: write -y as up of rig rig in rigs.tsv"]),
    Situation("a damaged video of one camera", PLAIN, {"rig.toml": toml(*TOPSIDE, "front"), "m1/front.mp4": text("no video")}, sessions=PLAIN_SESSIONS, said=["m1/front.mp4: cannot be decoded"]),
)  # fmt: skip


def write_videos(folder: Path) -> dict[int, Path]:
    """A tiny video of each length."""
    paths = {}
    for length in LENGTHS:
        paths[length] = folder / f"{length}.mp4"
        with av.open(str(paths[length]), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            (stream.width, stream.height), stream.pix_fmt = SIZE, "yuv420p"
            for index in range(length):
                picture = np.full((SIZE[1], SIZE[0], 3), 20 * index, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    return paths


def meet(situation: Situation, videos: Mapping[int, Path], place: Path) -> tuple[int, str, list[str]]:
    """Make the folder of a situation below `place`, and run ``init`` on it: exit code, what was said, and what is not as expected."""
    folder = place / "recordings"
    folder.mkdir(parents=True)
    for path in situation.videos:
        name, _, length = path.partition("=")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(videos[int(length or LENGTHS[0])], folder / name)
    for path, write in situation.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write(folder / path)
    options = [option.replace("{folder}", str(folder)) for option in situation.options]
    if options[:1] == ["--in"]:
        folder, options = folder / options[1], options[2:]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["init", str(folder), "--study", str(place / "study"), *options])
    said = (out.getvalue() if code == 0 else err.getvalue()).replace(f"{place}/", "")
    return code, said, list_faults(situation, code, said, place / "study")


def list_faults(situation: Situation, code: int, said: str, study: Path) -> list[str]:
    """What is not as expected."""
    faults = [f"{words!r} is not said" for words in situation.said if words not in said]
    if situation.sessions is None:
        lines = [line for line in said.splitlines() if "error:" in line]
        return (
            faults
            + [f"exit code {code}"] * (code != 2)
            + ["a study is there"] * study.exists()
            + ["more than one line"] * (len(lines) != 1)
        )
    if code:
        return [*faults, f"exit code {code}"]
    made = load_study(folder=study)
    cameras = {session: sorted(made.cameras[session]) for session in made.sessions}
    expected = {session: sorted(names) for session, names in situation.sessions.items()}
    rigs = {session: made.rigs[made.sessions[session].rig] for session in made.sessions}
    return [
        *faults,
        *[f"sessions {cameras}"] * (cameras != expected),
        *[f"rig of {s}" for s, source in situation.rigs.items() if source not in (rigs[s].calibration, rigs[s].board_videos)],
        *[f"subject of {s}" for s, who in situation.subjects.items() if made.sessions[s].subject != who],
    ]


def run() -> None:
    """Print the table; end with exit code 1 where one situation is not as expected."""
    failed = 0
    print("| situation | expected | what was said | exit code |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        videos = write_videos(Path(name))
        for number, situation in enumerate((*LAYOUTS, *OTHERS)):
            code, said, faults = meet(situation, videos, Path(name) / str(number))
            failed += bool(faults)
            error = next((line for line in said.splitlines() if "error: " in line), "").partition("error: ")[2]
            shown = [line for line in said.splitlines() if any(words in line for words in situation.said)]
            told = (error or " ".join(line.strip() for line in shown) or "what is what").replace("|", "\\|").replace("\t", "\\t")
            expected = "one line" if situation.sessions is None else f"{len(situation.sessions)} sessions, right"
            print(f"| {situation.name} | {expected} | {told[:300]} | {code}{' WRONG: ' + '; '.join(faults) if faults else ''} |")
    print(f"\n{len(LAYOUTS) + len(OTHERS)} situations, {failed} not as expected")
    sys.exit(bool(failed + run_files()))


def run_files() -> int:
    """Print the table of single files; how many are not as expected."""
    from benchmarks.foreign_files import FILES, meet_file

    failed = 0
    print("\n| situation | what was said | ends |\n|---|---|---|")
    for situation in FILES:
        with tempfile.TemporaryDirectory() as name:
            said, fault = meet_file(situation, Path(name))
        failed += bool(fault)
        print(
            f"| {situation.name} | {said.replace('|', chr(92) + '|')[:300]} | {f'WRONG: {fault}' if fault else 'refused' if said else 'right'} |"
        )
    print(f"\n{len(FILES)} files, {failed} not as expected")
    return failed


if __name__ == "__main__":
    run()
