"""A study whose sessions are filmed by real cameras' models, ready to be labelled: blobs on a body, and the truth of where they are."""

import threading
import time

import cv2
import numpy as np
import pandas as pd
import pytest
import uvicorn

from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import write_table
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.labelling.server import build_app, open_socket
from bkind3d.labelling.work import open_work
from bkind3d.study.opening import open_study
from tests.unit.scenes import COLOURS, make_body

SIZE, FRAMES = (640, 480), 40
JOINTS = ("nose", "neck", "hip", "tail")


def make_camera(name: str, azimuth: float, size: tuple[int, int] = SIZE) -> Camera:
    """A camera that looks at the origin from 400 units away."""
    centre = 400 * np.array([0.8 * np.cos(azimuth), 0.8 * np.sin(azimuth), 0.6])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[2.0 * size[0], 0, size[0] / 2], [0, 2.0 * size[0], size[1] / 2], [0, 0, 1]])
    return Camera(name, size, matrix, np.array([-0.1, 0.02, 0, 0, 0]), rotation, -rotation @ centre)


CAMERAS = {f"cam{number + 1}": make_camera(f"cam{number + 1}", number * 1.3) for number in range(4)}


def write_study(folder, write_video, cameras, frames=FRAMES, ground=None):
    """A study of two sessions, up to their surveys."""
    size = next(iter(cameras.values())).size
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("experiments:\n  one:\n    frames: subject\n")
    (folder / "config/sessions.tsv").write_text("session\tsubject\trig\tsplit\ns1\tm1\tbox\ttrain\ns2\tm2\tbox\ttrain\n")
    rows = [f"{session}\t{camera}\tvideos/{session}_{camera}.mp4" for session in ("s1", "s2") for camera in cameras]
    (folder / "config/cameras.tsv").write_text("\n".join(["session\tcamera\tvideo", *rows]) + "\n")
    (folder / "config/rigs.tsv").write_text("rig\tunits\tcalibration\nbox\tmm\tcalibration.toml\n")
    write_calibration(cameras, folder / "calibration.toml", "mm")
    write_calibration(cameras, folder / "results/calibration/box.toml", "mm")
    for seed, session in enumerate(("s1", "s2")):
        body = make_body(frames, seed)
        for name, camera in cameras.items():
            write_video(folder / f"videos/{session}_{name}.mp4", draw_pictures(camera, body, ground))
            survey = pd.DataFrame({"frame": np.arange(frames), "time_s": np.arange(frames) / 25, "video_frame": np.arange(frames)})
            empty = dict.fromkeys(["brightness", "motion", "area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1"], 0.0)
            survey = survey.assign(**empty, fault="", mask=b"", shadows=b"", clusters=[[]] * frames)
            about = {"video_width": size[0], "video_height": size[1], "n_frames": frames, "rate": 25}
            write_table(survey, "survey", folder / f"results/survey/{session}/{name}.parquet", about)


@pytest.fixture
def labelled_study(tmp_path, write_video):
    """The study's folder."""
    write_study(tmp_path, write_video, CAMERAS)
    return tmp_path


def draw_pictures(camera, body, ground=None):
    """Blobs at the body's points, on grey or on a picture of a room."""
    for points in body:
        picture = np.full((camera.size[1], camera.size[0], 3), 40, np.uint8) if ground is None else ground.copy()
        for pixel, colour in zip(project_through_lens(camera, points), COLOURS, strict=True):
            cv2.circle(picture, [round(float(value)) for value in pixel], 7, [int(part) for part in colour], -1, cv2.LINE_AA)
        yield picture


def find_truth(session, frame):
    """World positions of the joints."""
    return dict(zip(JOINTS, make_body(FRAMES, ("s1", "s2").index(session))[frame], strict=True))


class Server:
    """The page of a study, served by a thread."""

    def __init__(self, folder, number=6):
        self.work = open_work(open_study(folder), number)
        opened = open_socket(0)
        self.address = f"http://127.0.0.1:{opened.getsockname()[1]}/secret/"
        self.server = uvicorn.Server(uvicorn.Config(build_app(self.work, "secret"), log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [opened]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.02)

    def stop(self):
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def serve():
    """Serves the page of a study in a folder, until the test ends or it is stopped."""
    servers = []

    def start(folder, number=6):
        servers.append(Server(folder, number))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
