"""Files as other programs and other people write them, and what comes of each: rows of the second table of ``benchmarks.first_contact``.

A situation ends right (what is read is what was written, compared with numbers of its own), or in one line that says what is wrong.
"""

# One row, one situation.
# ruff: noqa: E501
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from benchmarks.first_contact import make_cameras
from bkind3d.calibration.exchange import GivenCalibration, import_calibration
from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.frame_maps import FrameMap, choose_frames
from bkind3d.data.joint_files import read_joints
from bkind3d.data.video import decode_frames, read_packets
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats import rigs, test_bouguet, test_jarvis, test_kalibr, test_multicamselfcal, test_table, test_voxelpose
from tests.unit.data import test_joint_formats, test_video

Act = Callable[[Path], bool]
SIZES = {"": (1152, 1024)}


class FileSituation(NamedTuple):
    """What it is; what is done in an empty folder, and whether that is right; and, where it has to be refused, the words."""

    name: str
    act: Act
    said: str = ""


def meet_file(situation: FileSituation, folder: Path) -> tuple[str, str]:
    """What was said, and what is not as expected (empty: nothing)."""
    try:
        right = situation.act(folder)
    except InputError as error:
        line = str(error).replace(f"{folder}/", "")
        return line, "" if situation.said and situation.said in line else "refused with other words"
    if situation.said:
        return "", "not refused"
    return "", "" if right else "read wrongly"


def clock(times: Sequence[float] | np.ndarray, head: str = "video_frame,time_s", cells: str = "{},{}") -> str:
    """A map by the clock."""
    return "\n".join([head, *(cells.format(number, time) for number, time in enumerate(times))]) + "\n"


def shows(
    text: str, frames: Sequence[int], n_frames: int, rate: float | None = 30, name: str = "map.csv", camera: str = "", other: str = ""
) -> Act:
    """Whether a map, beside another camera's, pairs the session's first frames with these of the video."""

    def act(folder: Path) -> bool:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        maps = {camera: path}
        if other:
            maps["other"] = folder / "other.csv"
            maps["other"].write_text(other)
        found = choose_frames(n_frames, FrameMap(path, camera, maps), rate=rate)[:, 1].tolist()
        return found[: len(frames)] == list(frames)

    return act


WHOLE, LOST = np.arange(90) / 30, np.delete(np.arange(90), np.arange(30, 39)) / 30
EVERY = list(range(20))
HOUR = np.arange(3600 * 30) / 30
KEPT = np.sort(np.random.default_rng(0).choice(len(HOUR), len(HOUR) - 54, replace=False))
TRUE_HOUR = np.full(len(HOUR), -1)
TRUE_HOUR[KEPT] = np.arange(len(KEPT))
ALL = "cam_id,frame_time\n" + "".join(
    f"{camera},{5000 + n / 30 + camera / 500}\n" for n in EVERY for camera in (1, 2) if (camera, n) != (2, 7)
)
GAP = [*range(7), -1, *range(7, 19)]
MAP = "frame{0}video_frame{1}\n0{0}0{1}\n1{0}1{1}\n3{0}2{1}\n"

CLOCKS = (
    FileSituation("a camera lost 9 of 90 frames; its container says 27 Hz", shows(clock(LOST), [*range(30), *[-1] * 9, *range(30, 81)], 81, 27, other=clock(WHOLE))),
    FileSituation("an hour, 54 frames lost", shows(clock(HOUR[KEPT]), TRUE_HOUR.tolist(), len(KEPT), 29.985, other=clock(HOUR))),
    FileSituation("cameras of 60 and 30 Hz", shows(clock(np.arange(60) / 60), list(range(0, 60, 2)), 60, 60, other=clock(np.arange(30) / 30))),
    FileSituation("clocks with milliseconds alone (0.033, 0.067)", shows(clock((np.arange(900) / 30).round(3)), list(range(900)), 900)),
    FileSituation("a camera half a frame late, whose clock trembles", shows(clock((np.arange(300) + 0.5 + 0.05 * np.sin(np.arange(300) * 7)) / 30), [0], 300)),
    FileSituation("times in milliseconds", shows(clock(1000 * WHOLE), [], 90), "too long by the factor 1000; are they in milliseconds?"),
    FileSituation("times in microseconds", shows(clock(1e6 * WHOLE[:20]), [], 20), "its frames are 3.333e+04 s apart; are the times in milliseconds, or smaller units? write seconds"),
    FileSituation("times at half the video's rate", shows(clock(2 * WHOLE), [], 90), "too long by the factor 2"),
    FileSituation("times since 1970", shows(clock(1.7e9 + WHOLE), [], 90), "subtract the same start from the times of all cameras"),
    FileSituation("caliscope's timestamps.csv, one file for all cameras", shows(ALL, GAP, 19, camera="cam2")),
    FileSituation("... as it was called before (port)", shows(ALL.replace("cam_id", "port"), GAP, 19, camera="cam2")),
    FileSituation("... of another rig", shows(ALL, [], 19, camera="cam3"), "camera 'cam3' of the sheet is not in the calibration; it has cam_1, cam_2"),
    FileSituation("semicolons and decimal commas", shows(clock(WHOLE[:20], "video_frame;time_s", "{};{:.4f}").replace(".", ","), EVERY, 20)),
    FileSituation("commas between the cells, and in the numbers", shows("video_frame,time_s\n0,0,0\n1,0,033\n", [], 2), "a line has 3 cells, and the first one names 2 columns"),
    FileSituation("a .TXT with tabs", shows(MAP.format("\t", ""), [0, 1, -1, 2], 3, name="MAP.TXT")),
    FileSituation("empty columns at the end, and the mark that Excel puts first", shows("\ufeff" + MAP.format(";", ";;"), [0, 1, -1, 2], 3)),
    FileSituation("a dropped frame has an empty cell", shows("frame,video_frame\n0,0\n1,1\n2,\n3,2\n", [0, 1, -1, 2], 3)),
    FileSituation("a frame that is there twice", shows("frame,video_frame\n0,0\n0,1\n", [], 3), "every frame may be there once"),
    FileSituation("the map of a longer video", shows("frame,video_frame\n0,0\n1,90\n", [], 30), "the video has frames 0 to 29"),
)  # fmt: skip


def counts(suffix: str, options: dict[str, str], first: int, start_s: float, expected: int) -> Act:
    """Whether as many frames are counted as a video shows that was cut without encoding it again."""

    def act(folder: Path) -> bool:
        test_video.write_stripes(folder / f"whole{suffix}", options)
        test_video.copy_stream(folder / f"whole{suffix}", folder / f"cut{suffix}", first, start_s)
        return len(read_packets(folder / f"cut{suffix}").times) == len(list(decode_frames(folder / f"cut{suffix}"))) == expected

    return act


VIDEOS = (
    FileSituation("an .mp4 cut at 1.3 s by copying, a keyframe every second", counts(".mp4", {"bf": "0"}, 0, 1.3, 51)),
    FileSituation("a .mov cut so, with frames out of order", counts(".mov", {"bf": "2"}, 0, 1.3, 51)),
    FileSituation("an .mkv that begins between keyframes", counts(".mkv", {"bf": "2"}, 10, 0, 60)),
    FileSituation("a .ts that begins between keyframes", counts(".ts", {"bf": "2"}, 10, 0, 60)),
    FileSituation("an .mkv cut within an open group", counts(".mkv", {"bf": "2", "x264-params": "open-gop=1"}, 30, 0, 30)),
    FileSituation("an .avi with empty chunks at its beginning", counts(".avi", {"bf": "0"}, 10, 0, 60)),
)


def sees(
    names: Sequence[str],
    file: str,
    write: Callable[..., object],
    scale: float = 1.0,
    k3: bool = True,
    sizes: bool = False,
    world: int | None = None,
) -> Act:
    """Whether the cameras of a file see points where the other program sees them, to 1e-6 pixels."""

    def act(folder: Path) -> bool:
        rig = rigs.make_rig(list(names))
        rig = rig if k3 else [rigs.KnownCamera(**{**vars(camera), "k": (*camera.k[:2], 0.0)}) for camera in rig]
        write(folder / file, rig)
        cameras, _ = read_given_cameras(folder / file, sizes={camera.name: camera.size for camera in rig} if sizes else None)
        points = rigs.make_points()
        moved = points if world is None else points @ rig[world].rotation.T + rig[world].translation
        off = [np.abs(project_through_lens(cameras[known.name], moved / scale) - rigs.see(known, points)).max() for known in rig]
        return max(off) < 1e-6

    return act


def reads(write: Callable[[Path], Path]) -> Act:
    """Reads the calibration that is written."""
    return lambda folder: bool(read_given_cameras(write(folder), sizes=SIZES))


def changed(old: str, new: str, units: str = "mm") -> Act:
    """Imports a calibration of this project in which something is exchanged."""

    def act(folder: Path) -> bool:
        write_calibration(make_cameras(("left", "right"), scale=2), folder / "rig.toml", "")
        text = (folder / "rig.toml").read_text()
        if old not in text:
            raise AssertionError(f"Expected {old!r} in the calibration")
        (folder / "rig.toml").write_text(text.replace(old, new).replace('"units" = ""\n', ""))
        import_calibration(GivenCalibration(folder / "rig.toml", units), None, folder / "out.toml")
        return len(read_calibration(folder / "out.toml")[0]) == 2

    return act


def put(folder: Path, name: str, content: str) -> Path:
    """Write a text."""
    (folder / name).write_text(content)
    return folder / name


def put_lens(folder: Path) -> Path:
    """OpenCap's file of one camera."""
    lens = {"distortion": np.zeros((1, 5)), "intrinsicMat": np.diag([900.0, 900, 1]), "imageSize": np.array([[1280.0], [720]])}
    (folder / "cameraIntrinsics.pickle").write_bytes(pickle.dumps(lens))
    return folder / "cameraIntrinsics.pickle"


def untransposed(folder: Path) -> Path:
    """JARVIS' files as OpenCV's tag says that they are."""
    rig = [rigs.KnownCamera(**{**vars(camera), "matrix": camera.matrix.T}) for camera in rigs.make_rig(["A", "B"])]
    return test_jarvis.write_jarvis(folder / "A.yaml", rig)


def folder_of(folder: Path) -> Path:
    """A folder in which one file is a calibration."""
    test_voxelpose.write_voxelpose(folder / "shelf.json", rigs.make_rig(["0", "1"]))
    return folder


FOCAL = "[60.0, 0.0, 31.5], [0.0, 60.0, 23.5]"
NO_LENS = "distortions = [0.0, 0.0, 0.0, 0.0, 0.0]"
CALIBRATIONS = (
    FileSituation("JARVIS: a folder, K and R stored transposed", sees(("Camera_B", "Camera_T"), "Camera_B.yaml", test_jarvis.write_jarvis, sizes=True)),
    FileSituation("Kalibr, poses from the body", sees(("cam0", "cam1"), "camchain.yaml", test_kalibr.write_kalibr, scale=1000)),
    FileSituation("Kalibr, each camera from the one before", sees(("cam0", "cam1", "cam2"), "chain.yml", lambda path, rig: test_kalibr.write_kalibr(path, rig, by_body=False), 1000, world=0)),
    FileSituation("VoxelPose, T is the camera's position", sees(("0", "1", "2"), "calibration_shelf.json", test_voxelpose.write_voxelpose, sizes=True)),
    FileSituation("Bouguet's stereo calibration, the left camera is the world", sees(("left", "right"), "Calib_Results_stereo.mat", test_bouguet.write_bouguet, sizes=True, world=0)),
    FileSituation("MultiCamSelfCal, projections to undistorted pixels", sees(("cam1", "cam2"), "camera1.Pmat.cal", test_multicamselfcal.write_multicamselfcal, k3=False)),
    FileSituation("the plain table", sees(("left", "right"), "cameras.csv", test_table.write_table)),
    FileSituation("JARVIS' files, not transposed", reads(untransposed), "no principal point in its last row"),
    FileSituation("Kalibr with a model that OpenCV lacks", reads(lambda folder: test_kalibr.write_kalibr(folder / "a.yaml", rigs.make_rig(["cam0", "cam1"]), camera_model="omni")), "which OpenCV does not have; calibrate with pinhole-radtan"),
    FileSituation("a folder", reads(folder_of), "shelf.json, which has 2 cameras (voxelpose)"),
    FileSituation("a form that nobody knows", reads(lambda folder: put(folder, "rig.json", '{"cams": [1]}')), "can be written into a table, see docs/calibration-formats.md"),
    FileSituation("a table without a pose", reads(lambda folder: put(folder, "a.csv", "camera,width,height,fx,fy,cx,cy\na,64,48,60,60,32,24\n")), "column 'tx' is missing"),
    FileSituation("cameras that look into water", reads(lambda folder: put(folder, "fish.json", '{"cameras": [], "refractive_index": 1.333}')), "cameras that look through water or glass (refraction)"),
    FileSituation("OpenCap's lens, which has no place", reads(put_lens), "says nothing of where cameras stand"),
    FileSituation("rotations in degrees", changed("rotation = [0.0, 0.0, 0.0]", "rotation = [12.0, -90.0, 4.0]"), "is it in degrees? write radians"),
    FileSituation("focal lengths divided by a thousand", changed(FOCAL, FOCAL.replace("60.0", "0.065")), "are they in pixels of this picture size?"),
    FileSituation("distortions of 900", changed(NO_LENS, NO_LENS.replace("[0.0", "[900.0")), "are the coefficients those of coordinates divided by the depth?"),
    FileSituation("distortion that turns back within the picture", changed(NO_LENS, NO_LENS.replace("[0.0", "[-2.5")), "turns back at"),
    FileSituation("millimetres, said to be metres", changed(FOCAL, FOCAL, units="m"), "which cannot be; give the units of the calibration (cm or mm)"),
)  # fmt: skip


def joints(write: Callable[[Path], Path], frames: Sequence[int] = ()) -> Act:
    """Whether the joints of a file are those that were written."""

    def act(folder: Path) -> bool:
        table = read_joints(write(folder), "mm")
        points = table[["x", "y", "z"]].to_numpy().reshape(4, 3, 3)
        return table["frame"].unique().tolist() == list(frames) and np.allclose(
            points, test_joint_formats.POINTS, atol=1e-6, equal_nan=True
        )

    return act


def write_pixels(folder: Path) -> Path:
    """SLEAP's analysis of one camera."""
    with h5py.File(folder / "analysis.h5", "w") as file:
        file["tracks"] = np.zeros((1, 2, 3, 4))
    return folder / "analysis.h5"


def write_deeplabcut_h5(folder: Path) -> Path:
    """What a table of pandas in HDF5 looks like from afar."""
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_group("df_with_missing")["table"] = np.zeros(3)
    return folder / "a.h5"


TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
JOINTS = (
    FileSituation("anipose's pose-3d", joints(lambda folder: test_joint_formats.write_anipose(folder / "a.csv", np.eye(3), np.zeros(3)), [7, 8, 9, 10])),
    FileSituation("... with axes of its own", joints(lambda folder: test_joint_formats.write_anipose(folder / "a.csv", TURN, np.array([10.0, 2, 3])), [7, 8, 9, 10])),
    FileSituation("DeepLabCut in 3D", joints(lambda folder: test_joint_formats.write_deeplabcut(folder / "a.csv"), [0, 1, 2, 3])),
    FileSituation("DeepLabCut or Lightning Pose, one camera", joints(lambda folder: test_joint_formats.write_deeplabcut(folder / "a.csv", "xy")), "holds points in pixels of one camera (x, y); triangulate them first"),
    FileSituation("sleap-anipose's points3d.h5, names in it", joints(lambda folder: test_joint_formats.write_sleap(folder / "a.h5", test_joint_formats.POINTS[:, None]), [0, 1, 2, 3])),
    FileSituation("SLEAP's analysis of one camera", joints(write_pixels), "holds points in pixels of one camera"),
    FileSituation("DeepLabCut's HDF5", joints(write_deeplabcut_h5), "is DeepLabCut's own kind of HDF5; save it as .csv (save_as_csv=True), too"),
    FileSituation("SLEAP's labels", joints(lambda folder: put(folder, "a.slp", "HDF")), "holds SLEAP's labels, in pixels of each camera"),
    FileSituation("DeepFly3D's results", joints(lambda folder: put(folder, "df3d_result.pkl", "x")), "as DeepFly3D writes its results"),
    FileSituation("two animals in one file", joints(lambda folder: test_joint_formats.write_sleap(folder / "a.h5", np.zeros((4, 2, 3, 3)))), "has 2 tracks; keep the one of the animal"),
    FileSituation("Label3D, frames from 1", joints(lambda folder: test_joint_formats.write_label3d(folder / "a.mat", 1), [3, 5, 6, 9])),
)  # fmt: skip

FILES = (*CLOCKS, *VIDEOS, *CALIBRATIONS, *JOINTS)
