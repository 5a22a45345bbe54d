"""A generated study, no renderer needed: an animal of coloured balls walks round in front of a few pinhole cameras."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import yaml

from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import write_table
from bkind3d.geometry.cameras import Camera

WIDTH, HEIGHT, RATE = 96, 64, 10
#: Balls of the animal: distance along the body, height and radius (mm), and colour.
BALLS = {
    "snout": (90, 40, 16, (230, 60, 50)),
    "head": (55, 50, 28, (240, 190, 60)),
    "trunk": (0, 45, 38, (60, 170, 80)),
    "rump": (-60, 35, 30, (70, 90, 220)),
}

SETTINGS = {
    "recordings": "recordings",
    "dataset": "balls",
    "survey": {"long_side": 96, "background_frames": 12, "min_area": 0.001, "close_px": 1},
    "framesets": {"small": {"size": 16}},
    "experiments": {
        "tiny": {
            "frames": "small",
            "model": {"n_keypoints": 4, "n_symmetric_pairs": 0, "volume_size": 8, "volume_channels": 4, "volume_levels": 1},
            "training": {"steps": 6, "batch_size": 2, "warmup_steps": 1, "log_every": 2, "frame_gap_seconds": 0.2},
            "evaluation": {"bootstrap": 100},
            "actions": {"classifier": "forest", "window_seconds": 0.3},
        }
    },
    "movements": {"window_seconds": 0.4, "n_clusters": 3},
    "report": {"max_frames": 10, "overlay_frames": 2},
    "export": {"formats": ["nwb", "sleap"]},
}


def make_cameras(number: int) -> list[Camera]:
    """Cameras on a circle of 1 m around the origin, half a metre up, that look at it."""
    cameras = []
    for index in range(number):
        angle = 2 * np.pi * index / number
        centre = np.array([1000 * np.cos(angle), 1000 * np.sin(angle), 500.0])
        forward = -centre / np.linalg.norm(centre)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        matrix = np.array([[130.0, 0, (WIDTH - 1) / 2], [0, 130.0, (HEIGHT - 1) / 2], [0, 0, 1]])
        cameras.append(Camera(f"cam{index + 1}", (WIDTH, HEIGHT), matrix, np.zeros(5), rotation, -rotation @ centre))
    return cameras


def make_motion(frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (frame, ball, xyz) in mm of an animal that walks round, and turns on the spot half of the time; its head swings."""
    turning = np.arange(frames) % RATE >= RATE // 2
    heading = np.cumsum(np.where(turning, 0.5, 0.15)) + seed
    speed = np.where(turning, 3.0, 45.0)
    place = np.cumsum(speed[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    place -= place.mean(axis=0)
    along, height = (np.array([ball[i] for ball in BALLS.values()]) for i in (0, 1))
    forward = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    sideways = np.stack([-forward[:, 1], forward[:, 0]], axis=1)
    bend = np.where(along > 0, 0.5 * np.sin(np.arange(frames) * 0.7 + seed)[:, None], 0.0)
    flat = place[:, None] + along[:, None] * (np.cos(bend)[..., None] * forward[:, None] + np.sin(bend)[..., None] * sideways[:, None])
    return np.concatenate([flat, np.broadcast_to(height[None, :, None], (frames, len(BALLS), 1))], axis=2), turning


def write_video(path: Path, camera: Camera, positions: np.ndarray, seed: int) -> None:
    """Draw the balls, far ones first, over a grey patterned floor."""
    rng = np.random.default_rng(seed)
    floor = np.repeat(rng.integers(100, 150, (HEIGHT // 8, WIDTH // 8, 1)), 3, axis=2).repeat(8, axis=0).repeat(8, axis=1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for points in positions:
            picture = floor + rng.normal(0, 1.5, floor.shape)
            seen = points @ camera.rotation.T + camera.translation
            pixels = seen @ camera.matrix.T
            for ball in np.argsort(-seen[:, 2]):
                _, _, radius, colour = list(BALLS.values())[ball]
                x, y = pixels[ball, :2] / pixels[ball, 2]
                inside = (columns - x) ** 2 + (rows - y) ** 2 < (radius * camera.matrix[0, 0] / seen[ball, 2]) ** 2
                picture[inside] = colour
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_study(  # noqa: PLR0913
    folder: Path,
    cameras: int = 3,
    frames: int = 24,
    joints: bool = True,
    behaviours: bool = True,
    sessions: str = "train test",
    settings: dict | None = None,
) -> Path:
    """Write settings, sheets and recordings of a study with one session per word of `sessions`, which are their splits."""
    recordings = folder / "recordings"
    rig = make_cameras(cameras)
    rows, videos = [], []
    for number, split in enumerate(sessions.split()):
        name = f"s{number + 1}"
        add_session(recordings, name, rig, frames, seed=number)
        files = [f"{name}_joints.parquet" if joints else "", f"{name}_behaviours.parquet" if behaviours else ""]
        rows.append("\t".join([name, f"animal{number + 1}", "ring", split, "", "", *files, f"group{number % 2}"]))
        videos += [f"{name}\t{camera.name}\t{name}/{camera.name}.mp4" for camera in rig]
    write_calibration({camera.name: camera for camera in rig}, recordings / "ring.toml", "mm")
    (folder / "config").mkdir()
    write_sheet(folder, "sessions", ["session\tsubject\trig\tsplit\tstart\tstop\tjoints\tbehaviours\tgroup", *rows])
    write_sheet(folder, "cameras", ["session\tcamera\tvideo", *videos])
    write_sheet(folder, "rigs", ["rig\tunits\tcalibration\tboard\tboard_videos", "ring\tmm\tring.toml\t\t"])
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump({**SETTINGS, **(settings or {})}))
    return folder


def add_session(recordings: Path, name: str, rig: list[Camera], frames: int, seed: int) -> None:
    """Write a session's videos, joints and behaviours."""
    positions, turning = make_motion(frames, seed)
    for camera in rig:
        write_video(recordings / name / f"{camera.name}.mp4", camera, positions, seed)
    index = pd.MultiIndex.from_product([range(frames), BALLS], names=["frame", "joint"])
    joints = pd.DataFrame(positions.reshape(-1, 3), index=index, columns=["x", "y", "z"]).reset_index()
    write_table(joints, "joints", recordings / f"{name}_joints.parquet")
    behaviours = pd.DataFrame({"frame": range(frames), "behaviour": np.where(turning, "turn", "walk")})
    write_table(behaviours, "behaviours", recordings / f"{name}_behaviours.parquet")


def write_sheet(folder: Path, name: str, lines: list[str]) -> None:
    """Write the lines of a sheet."""
    (folder / "config" / f"{name}.tsv").write_text("\n".join(lines) + "\n")
