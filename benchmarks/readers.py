"""Every reader of files that others may have written, with a good file of its format: what hostile files are made from."""

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import cv2
import numpy as np
import pandas as pd
import scipy.io
import torch
import yaml

from bkind3d.archives.human36m import read_poses
from bkind3d.calibration.formats import opencv
from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.calibration.world import read_points as read_world_points
from bkind3d.checkpoint import Provenance, load_model, read_content, save_model, write_content
from bkind3d.config import ExperimentConfig, StudyConfig, parse_section, read_boards, read_section, read_values
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.frame_maps import choose_frames
from bkind3d.data.joint_files import read_joints
from bkind3d.data.parquet import TABLES, read_metadata, read_table, write_table
from bkind3d.data.pictures import PictureFile
from bkind3d.data.points import read_keypoints
from bkind3d.data.results import read_json
from bkind3d.data.video import decode_frames, probe_video, read_packets
from bkind3d.data.video_writer import VideoWriter
from bkind3d.geometry.cameras import Camera
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from bkind3d.report.explanation import read_row
from bkind3d.simulation.layouts.human36m import write_cdf, write_human36m_metadata
from bkind3d.study.sheets import read_cameras, read_rigs, read_sessions
from bkind3d.survey.room import read_region

FRAMES, SIZE = 24, (96, 64)


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes
    ----------
    name : of what it reads.
    ending : of its files.
    write : makes a good file.
    read : what the file says; refused with an InputError.
    opening : what opens a bracket, a tag or a list in this format.
    checked : whether files have checksums, so that what is not refused has to be the same.
    """

    name: str
    ending: str
    write: Callable[[Path], None]
    read: Callable[[Path], Any]
    opening: bytes = b""
    checked: bool = False


def make_rig(names: tuple[str, ...] = ("cam1", "cam2", "cam3")) -> dict[str, Camera]:
    """Cameras around an arena, a metre away (mm)."""
    rng, cameras = np.random.default_rng(0), {}
    for index, name in enumerate(names):
        rotation = cv2.Rodrigues(rng.uniform(-2, 2, 3))[0]
        matrix = np.array([[900.0 + index, 0, 320], [0, 905.0, 240], [0, 0, 1]])
        cameras[name] = Camera(name, (640, 480), matrix, np.array([-0.1, 0.02, 0, 0, 0.0]), rotation, np.array([10.0 * index, -20, 1000]))
    return cameras


def _write_matlab(path: Path, camnames: bool) -> None:
    names = ("K", "RDistort", "TDistort", "r", "t") if camnames else (
        "IntrinsicMatrix", "RadialDistortion", "TangentialDistortion", "rotationMatrix", "translationVector"
    )  # fmt: skip
    tables = []
    for camera in make_rig().values():
        values = (camera.matrix.T, camera.distortion[:2], camera.distortion[2:4], camera.rotation.T, camera.translation)
        tables.append(dict(zip(names, values, strict=True)))
    if camnames:
        content: dict[str, Any] = {"params": np.array(tables, dtype=object)[:, None], "camnames": np.array(list(make_rig()), dtype=object)}
    else:
        content = {"cameras": dict(zip(make_rig(), tables, strict=True))}
    scipy.io.savemat(path, content)


def _write_qualisys(path: Path) -> None:
    lines = []
    for camera in make_rig().values():
        axes, (x, y, z) = np.diag([1, -1, -1]) @ camera.rotation, -camera.rotation.T @ camera.translation
        parts = {
            "fov_video": {"left": 0, "top": 0, "right": 639, "bottom": 479},
            "transform": {"x": x, "y": y, "z": z, **{f"r{row + 1}{column + 1}": axes[row, column] for row in range(3) for column in range(3)}},
            "intrinsic": {
                "focalLengthU": 57600, "focalLengthV": 57920, "skew": 0, "centerPointU": 20480, "centerPointV": 15360, "radialDistortion1": -0.1,
                "radialDistortion2": 0, "radialDistortion3": 0, "tangentalDistortion1": 0, "tangentalDistortion2": 0,
            },
        }  # fmt: skip
        inside = "".join(f"<{tag} {' '.join(f'{key}={quoteattr(str(v))}' for key, v in values.items())}/>" for tag, values in parts.items())
        lines.append(f'<camera serial="{camera.name}">{inside}</camera>')
    path.write_text(f"<calibration><cameras>{''.join(lines)}</cameras></calibration>")


def _write_pickle(path: Path, protocol: int) -> None:
    cameras = {
        index: {"R": camera.rotation, "tvec": camera.translation, "intr": camera.matrix, "distort": camera.distortion}
        for index, camera in enumerate(make_rig().values())
    }
    path.write_bytes(pickle.dumps({**cameras, "points3d": np.zeros((3, 4, 3)), "camera_ordering": np.arange(3), "meta": None}, protocol))


def make_table(kind: str) -> pd.DataFrame:
    """A table of a kind with something in every cell."""
    rng = np.random.default_rng(1)
    numbers = rng.normal(0, 50, FRAMES)
    points = np.tile(["k00", "k01", "k02"], FRAMES // 3)
    table = pd.DataFrame({name: numbers + index for index, name in enumerate(TABLES[kind])})
    for name, kind_of in TABLES[kind].items():
        if name in ("frame", "video_frame", "width", "height"):
            table[name] = np.arange(FRAMES) // (3 if {"keypoint", "joint"} & TABLES[kind].keys() else 1)
        elif str(kind_of) == "string":
            table[name] = points
        elif str(kind_of) == "bool":
            table[name] = True
        elif str(kind_of) == "binary":
            picture = rng.integers(0, 255, (16, 16, 3 if name == "image" else 1), np.uint8)
            table[name] = [cv2.imencode(".jpg" if name == "image" else ".png", picture)[1].tobytes()] * FRAMES
        elif str(kind_of).startswith("list"):
            table[name] = [[1.0, 2, 3, 4, 5, 6, 7]] * FRAMES
        elif str(kind_of) == "int64":
            table[name] = 3
    return table


def _write_video(path: Path) -> None:
    rng = np.random.default_rng(2)
    with VideoWriter(path, SIZE, 30.0) as video:
        for frame in range(FRAMES):
            picture = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
            picture[20:40, frame : frame + 20] = rng.integers(0, 255, (20, 20, 3))
            video.write(picture)


def _read_video(path: Path) -> Any:
    return [vars(probe_video(path)), vars(read_packets(path)), [frame.picture for frame in decode_frames(path)]]


def _write_trc(path: Path) -> None:
    head = [
        "PathFileType\t4\t(X/Y/Z)\ta.trc",
        "DataRate\tUnits\tNumFrames",
        f"30\tmm\t{FRAMES}",
        "Frame#\tTime\tnose\t\t\ttail\t\t",
        "\t\tX1",
    ]
    rows = ["\t".join(map(str, (frame + 1, frame / 30, 1.5, 2, 3, frame, 5, 6))) for frame in range(FRAMES)]
    path.write_text("\n".join([*head, *rows]) + "\n")


def _read_pictures(path: Path) -> Any:
    pictures = PictureFile(path)
    return [read_metadata(path), read_table(path, "frames"), [(pictures.decode(row), pictures.decode_mask(row)) for row in range(FRAMES)]]


def _write_mask(path: Path) -> None:
    cv2.imwrite(str(path), cv2.circle(np.zeros((480, 640), np.uint8), (320, 240), 150, 255, -1))


def _write_model(path: Path) -> None:
    torch.manual_seed(0)
    small = DiscoveryModelConfig(n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", reconstruction=False)
    save_model(DiscoveryModel(small), Provenance("abc", 7, "mm", 3, data={"one": ["aa"]}), path)


def _read_model(path: Path) -> Any:
    model, provenance = load_model(path)
    return [dict(model.state_dict()), vars(provenance)]


def _read_study(path: Path) -> Any:
    return parse_section(StudyConfig, read_values(path), str(path))


def _read_state(path: Path, keys: list[str]) -> Any:
    found = read_content(path, "bkind3d-resume", 1, "go")
    return {key: found[key] for key in keys}


def _list_calibrations() -> Iterator[Reader]:
    sizes = {"": (640, 480)}
    yield Reader("calibration.toml", ".toml", lambda p: write_calibration(make_rig(), p, "mm", {"error": 0.3}), read_calibration, b"[")
    for ending, opening in ((".yaml", b"["), (".json", b"["), (".xml", b"<a>")):
        yield Reader(f"OpenCV {ending[1:]}", ending, lambda p: opencv.write(make_rig(), p, "mm", None), read_given_cameras, opening)
    caliscope = (
        "[cameras.{0}]\nsize = [640, 480]\nmatrix = [[900.0, 0, 320], [0, 905.0, 240], [0, 0, 1]]\ndistortions = [0.1, 0, 0, 0, 0]\n"
    )
    caliscope += "rotation = [0.{0}, 0.2, 0.3]\ntranslation = [{0}.0, 2, 1000]\n"
    yield Reader("caliscope", ".toml", lambda p: _write_text(p, "".join(caliscope.format(i) for i in (1, 2))), read_given_cameras, b"[")
    yield Reader("DANNCE .mat", ".mat", lambda p: _write_matlab(p, True), lambda p: read_given_cameras(p, "dannce", sizes=sizes))
    yield Reader("Rat7M .mat", ".mat", lambda p: _write_matlab(p, False), lambda p: read_given_cameras(p, "rat7m", sizes=sizes))
    yield Reader("Human3.6M .xml", ".xml", write_human36m_metadata, lambda p: read_given_cameras(p, "human36m", "S1"), b"<a>")
    yield Reader("Qualisys .xml", ".xml", _write_qualisys, lambda p: read_given_cameras(p, "qualisys"), b"<a>")
    for protocol in (0, 2, 5):
        write = lambda p, protocol=protocol: _write_pickle(p, protocol)  # noqa: E731
        yield Reader(f"DeepFly3D pickle {protocol}", ".pkl", write, lambda p: read_given_cameras(p, sizes=sizes), b"(")

    lens = "  intrinsics: [900.0, 905.0, 320.0, 240.0]\n  distortion_model: radtan\n  distortion_coeffs: [0.1, 0.0, 0.0, 0.0]\n"
    kalibr = "cam{0}:\n  camera_model: pinhole\n" + lens + "  resolution: [640, 480]\n"
    kalibr += "  T_cam_imu:\n  - [1, 0, 0, 0.{0}]\n  - [0, 1, 0, 0]\n  - [0, 0, 1, 2]\n  - [0, 0, 0, 1]\n"
    yield Reader("Kalibr .yaml", ".yaml", lambda p: _write_text(p, "".join(kalibr.format(i) for i in (1, 2))), read_given_cameras, b"[")
    pose = '"R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "T": [{0}, 20, 30]'
    voxelpose = '"{0}": {{' + pose + ', "fx": 900.5, "fy": 905, "cx": 320, "cy": 240, "k": [0.1, 0, 0], "p": [0, 0]}}'
    content = "{" + ", ".join(voxelpose.format(i) for i in (1, 2)) + "}"
    yield Reader("VoxelPose .json", ".json", lambda p: _write_text(p, content), lambda p: read_given_cameras(p, sizes=sizes), b"[")
    yield Reader("Bouguet .mat", ".mat", _write_bouguet, lambda p: read_given_cameras(p, "bouguet"))
    plain = "camera,width,height,fx,fy,cx,cy,rx,ry,rz,tx,ty,tz\n" + "".join(
        f"c{i},640,480,900.5,905,320,240,0,0.{i},0,{i},0,500\n" for i in (1, 2)
    )
    yield Reader("table of cameras .csv", ".csv", lambda p: _write_text(p, plain), read_given_cameras, b'"')


def _write_bouguet(path: Path) -> None:
    lens = {"fc": [[900.5], [905.0]], "cc": [[320.0], [240.0]], "alpha_c": 0.0, "kc": np.full((5, 1), 0.01)}
    pair = {f"{key}_{side}": value for side in ("left", "right") for key, value in lens.items()}
    scipy.io.savemat(path, {**pair, "R": np.eye(3), "T": [[10.0], [20], [30]], "nx": 640, "ny": 480})


def _write_text(path: Path, text: str) -> None:
    path.write_text(text)


def _list_texts() -> Iterator[Reader]:
    settings = {
        "recordings": "/rec",
        "experiments": {"one": {"frames": "subject", "training": {"steps": 300}}},
        "survey": {"threshold": 4.5},
    }
    board = {"boards": {"charuco": {"squares_x": 8, "squares_y": 11, "square_length": 24.0, "marker_length": 18.75}}}
    sheets = {
        "sessions": (
            "session\tsubject\trig\tsplit\tstart\tstop\tjoints\tdose\na\tm1\tbox\ttrain\t5\t200\tj.parquet\t3 mg\nb\tm2\tbox\t\n",
            read_sessions,
        ),
        "cameras": ("session\tcamera\tvideo\na\tleft\ta/l.mp4;a/l2.mp4\na\tright\ta/r.mp4\n", read_cameras),
        "rigs": ("rig\tunits\tcalibration\tcalibration_size\nbox\tmm\tbox.toml\t1280x1024\nbig\tcm\tbig.xml\tcam1=640x480\n", read_rigs),
    }
    yield Reader("settings .yaml", ".yaml", lambda p: _write_text(p, yaml.safe_dump(settings | board)), _read_study, b"[")
    yield Reader("settings .json", ".json", lambda p: _write_text(p, json.dumps(settings | board)), _read_study, b"[")
    experiment = settings["experiments"]["one"]  # type: ignore[index]
    yield Reader(
        "section .json", ".json", lambda p: _write_text(p, json.dumps(experiment)), lambda p: read_section(ExperimentConfig, p), b'{"a":'
    )
    yield Reader("boards .yaml", ".yaml", lambda p: _write_text(p, yaml.safe_dump(board)), read_boards, b"{a: ")
    for name, (text, read) in sheets.items():
        yield Reader(f"sheet {name}", ".tsv", lambda p, text=text: _write_text(p, text), read, b'"')
    results = {"rows": [{"experiment": "demo", "mpjpe": 1.5, "n": 3}] * 5, "bootstrap": {"unit": "second"}}
    yield Reader("results .json", ".json", lambda p: _write_text(p, json.dumps(results)), read_json, b"[")
    table = "experiment,method,dataset,pa_mpjpe\ndemo,bkind3d,rats,17.5\ndemo,untrained,rats,25\n"
    yield Reader("results .csv", ".csv", lambda p: _write_text(p, table), lambda p: read_row(p, 1), b'"')
    shown = "frame\tvideo_frame\n" + "".join(f"{frame + frame // 5}\t{frame}\n" for frame in range(FRAMES))
    yield Reader("frame map .tsv", ".tsv", lambda p: _write_text(p, shown), lambda p: choose_frames(FRAMES, p, rate=30.0), b'"')
    points = "point\tcamera\tcolumn\trow\tx\ty\tz\n" + "".join(
        f"p{i}\tcam{j}\t{10 * i}\t{20 + j}\t{i}\t{2 * i}\t{i * i}\n" for i in range(4) for j in (1, 2)
    )
    yield Reader("world points .tsv", ".tsv", lambda p: _write_text(p, points), lambda p: read_world_points(p, ["cam1", "cam2"]), b'"')
    yield Reader("joints .trc", ".trc", _write_trc, lambda p: read_joints(p, "mm"), b"\t")


def _list_tables() -> Iterator[Reader]:
    def write(kind: str) -> Callable[[Path], None]:
        noted = {"units": "mm", "rate": 30.0, "session": "a", "side": 180.0, "model": "abc"}
        return lambda path: write_table(make_table(kind), kind, path, noted)

    def read(kind: str) -> Callable[[Path], Any]:
        return lambda path: [read_metadata(path), read_table(path, kind)]

    for kind in ("survey", "location", "behaviours", "history", "errors"):
        yield Reader(f"table {kind}", ".parquet", write(kind), read(kind), checked=True)
    yield Reader("table keypoints", ".parquet", write("keypoints"), read_keypoints, checked=True)
    yield Reader("table joints", ".parquet", write("joints"), lambda p: read_joints(p, "mm"), checked=True)
    yield Reader("table frame_map", ".parquet", write("frame_map"), lambda p: choose_frames(FRAMES, p), checked=True)
    yield Reader("pictures", ".parquet", write("frames"), _read_pictures, checked=True)


def _list_others() -> Iterator[Reader]:
    state = {"step": 3, "module": {"weight": torch.arange(100.0)}, "best": {}, "history": [[1, 2.5]]}
    yield Reader("model", ".pt", _write_model, _read_model, checked=True)
    yield Reader(
        "training's state", ".pt", lambda p: write_content(state, "bkind3d-resume", 1, p), lambda p: _read_state(p, list(state)), checked=True
    )  # fmt: skip
    yield Reader("video .mp4", ".mp4", _write_video, _read_video)
    yield Reader("mask .png", ".png", _write_mask, lambda p: read_region(p, (640, 480), (64, 48)))
    yield Reader("poses .cdf", ".cdf", lambda p: write_cdf(p, np.random.default_rng(0).normal(0, 900, (FRAMES, 32, 3))), read_poses)


#: All readers, by name.
READERS = {reader.name: reader for group in (_list_texts, _list_calibrations, _list_tables, _list_others) for reader in group()}
