"""A small study with every file that the report reads: a wriggling body of keypoints, filmed by pinhole cameras."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from bkind3d.config import StudyConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import write_table
from bkind3d.data.results import ACTION_COLUMNS, POSE_COLUMNS, write_json
from bkind3d.geometry.cameras import Camera
from bkind3d.study.sections import format_sections
from bkind3d.study.sheets import read_cameras, read_rigs, read_sessions
from bkind3d.study.study import Study

SIZE, SIDE, RATE = 64, 200.0, 10.0
METHODS = {"bkind3d": 19.0, "untrained": 25.0, "mean_pose": 22.0, "oracle_4": 15.3}


@dataclass
class ToyStudy:
    """Writes a study below `folder`; change the fields before `write`."""

    folder: Path
    sessions: dict[str, str] = field(default_factory=lambda: {"train1": "train", "test1": "test"})
    experiments: tuple[str, ...] = ("tiny",)
    n_cameras: int = 2
    n_frames: int = 12
    n_keypoints: int = 5
    joints: bool = True
    behaviours: bool = True
    board: bool = True
    located: float = 1.0
    pose_floor_high: float = -1.0
    settings: dict[str, object] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    model: str = "abc"
    supervised: bool = False

    @property
    def results(self) -> Path:
        """The folder of results."""
        return self.folder / "results"

    @property
    def cameras(self) -> list[str]:
        """Names of the cameras."""
        return [f"cam{index + 1}" for index in range(self.n_cameras)]

    def write(self) -> "ToyStudy":
        """Write everything."""
        self._write_sheets()
        self._write_config()
        for session in self.sessions:
            self._write_session(session)
        write_json({"side": SIDE, "units": "mm"}, self.results / "cube.json")
        self._write_calibration()
        for experiment in self.experiments:
            self._write_experiment(experiment)
        self._write_tables()
        return self

    def open(self) -> Study:
        """Open it as the report does."""
        model = {"n_keypoints": self.n_keypoints, "n_symmetric_pairs": 0}
        naming = {"model": "abc", "keypoints": self.names}
        experiment = {"preset": "demo", "frames": "subject", "model": model, "training": {"steps": 321}, "naming": naming}
        experiment = {"method": "supervised", "frames": "subject"} if self.supervised else experiment
        config = StudyConfig.model_validate(
            {
                "report": self.settings,
                "framesets": {"subject": {"quality": 85}},
                "experiments": dict.fromkeys(self.experiments, experiment),
            }
        )
        sheets = {name: self.folder / "config" / f"{name}.tsv" for name in ("sessions", "cameras", "rigs")}
        rows = read_sessions(sheets["sessions"]), read_cameras(sheets["cameras"]), read_rigs(sheets["rigs"])
        return Study(self.folder, config, *rows)

    def positions(self) -> np.ndarray:
        """(frame, keypoint, 3) world positions, mm: a bent line that turns and walks."""
        time = np.arange(self.n_frames) / RATE
        along = np.linspace(-60, 60, self.n_keypoints)
        angle = 0.6 * time[:, None] + 0.004 * along
        bend = 12 * np.sin(3 * time[:, None] + along / 30)
        local = np.stack(
            [along * np.cos(angle) - bend * np.sin(angle), along * np.sin(angle) + bend * np.cos(angle), 30 + 0.2 * along + bend], axis=-1
        )
        return local + self.centres()[:, None]

    def centres(self) -> np.ndarray:
        """(frame, 3) centre of the body, world mm."""
        time = np.arange(self.n_frames) / RATE
        return np.stack([80 * np.cos(0.5 * time), 80 * np.sin(0.5 * time), np.zeros_like(time)], axis=-1)

    def projection(self, camera: int, frame: int) -> np.ndarray:
        """(3, 4) matrix of the window of one camera, which follows the body."""
        angle = 2 * np.pi * camera / self.n_cameras + 0.4
        place = np.array([700 * np.cos(angle), 700 * np.sin(angle), 400.0])
        target = self.centres()[frame] + [0, 0, 25]
        forward = (target - place) / np.linalg.norm(target - place)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        focal = SIZE * 0.62 * np.linalg.norm(target - place) / (SIDE / 1.5) / 1.5
        intrinsics = np.array([[focal, 0, (SIZE - 1) / 2], [0, focal, (SIZE - 1) / 2], [0, 0, 1]])
        return intrinsics @ np.concatenate([rotation, (-rotation @ place)[:, None]], axis=1)

    def _write_sheets(self) -> None:
        config = self.folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        rows = ["session\tsubject\trig\tsplit\tjoints\tbehaviours\tdose"]
        for index, (name, split) in enumerate(self.sessions.items()):
            rows.append(
                "\t".join(
                    [
                        name,
                        f"rat{index}",
                        "arena",
                        split,
                        "joints.parquet" if self.joints else "",
                        "b.parquet" if self.behaviours else "",
                        "5 mg",
                    ]
                )
            )
        (config / "sessions.tsv").write_text("\n".join(rows) + "\n")
        videos = [f"{name}\t{camera}\tvideos/{name}_{camera}.mp4" for name in self.sessions for camera in self.cameras]
        (config / "cameras.tsv").write_text("\n".join(["session\tcamera\tvideo", *videos]) + "\n")
        rig = "arena\tmm\t\tcharuco\tboards/{camera}.mp4" if self.board else "arena\tmm\tgiven.toml\t\t"
        (config / "rigs.tsv").write_text(f"rig\tunits\tcalibration\tboard\tboard_videos\n{rig}\n")

    def _write_config(self) -> None:
        for name, text in format_sections(self.open()).items():
            path = self.open().results.settings(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _write_session(self, session: str) -> None:
        frames, time = np.arange(self.n_frames), np.arange(self.n_frames) / RATE
        valid = frames < round(self.located * self.n_frames)
        centres = self.centres()
        location = pd.DataFrame({"frame": frames, "time_s": time, "n_views": self.n_cameras, "residual": 0.01, "valid": valid})
        location[["x", "y", "z"]] = np.where(valid[:, None], centres, np.nan)
        write_table(location, "location", self.results / "location" / f"{session}.parquet", {"extent": 0.8 * SIDE, "units": "mm"})
        for index, camera in enumerate(self.cameras):
            survey = pd.DataFrame(
                {"frame": frames, "time_s": time, "brightness": 100.0, "motion": 1.0, "area": 2000.0, "fault": "", "mask": b""}
            )
            survey[["centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1"]] = 1.0
            survey = survey.assign(video_frame=frames, clusters=[[]] * self.n_frames, shadows=b"")
            about = {
                "width": 320,
                "height": 256,
                "video_width": 320,
                "video_height": 256,
                "rate": RATE,
                "n_frames": self.n_frames,
                "video": f"{session}_{camera}.mp4",
                "sha256": "ab" * 32,
            }
            write_table(survey, "survey", self.results / "survey" / session / f"{camera}.parquet", about)
            self._write_frames(session, index, valid)
        if self.joints:
            joints = pd.DataFrame(
                {"frame": np.repeat(frames, self.n_keypoints), "joint": [f"j{i}" for i in range(self.n_keypoints)] * self.n_frames}
            )
            joints[["x", "y", "z"]] = self.positions().reshape(-1, 3)
            write_table(joints, "joints", self.results / "joints" / f"{session}.parquet", {"units": "mm"})

    def _write_frames(self, session: str, camera: int, valid: np.ndarray) -> None:
        rows = []
        for frame, (centre, positions) in enumerate(zip(self.centres(), self.positions(), strict=True)):
            projection = self.projection(camera, frame)
            picture = np.full((SIZE, SIZE, 3), (150, 155, 160), np.uint8)
            mask = np.zeros((SIZE, SIZE), np.uint8)
            pixels = project(projection, positions)
            for one, other in zip(pixels[:-1], pixels[1:], strict=True):
                ends = [tuple(int(round(value)) for value in pixel) for pixel in (one, other)]
                cv2.line(picture, *ends, (60, 80, 110), 5, cv2.LINE_AA)
                cv2.line(mask, *ends, 255, 5)
            row = {
                "frame": frame,
                "time_s": frame / RATE,
                "image": cv2.imencode(".jpg", picture)[1].tobytes(),
                "mask": cv2.imencode(".png", mask)[1].tobytes(),
            }
            row |= {"width": SIZE, "height": SIZE, "valid": bool(valid[frame]), **dict(zip("xyz", centre, strict=True))}
            rows.append(row | {f"p{i}{j}": projection[i, j] for i in range(3) for j in range(4)})
        about = {"size": 43, "margin": 1.5, "side": SIDE, "camera": self.cameras[camera], "session": session, "units": "mm", "rate": RATE}
        write_table(pd.DataFrame(rows), "frames", self.results / "frames" / "subject" / session / f"{self.cameras[camera]}.parquet", about)

    def _write_calibration(self) -> None:
        matrix, size = np.array([[300.0, 0, 159.5], [0, 300, 127.5], [0, 0, 1]]), (320, 256)
        poses = {name: np.array([10.0 * index, 0, 700]) for index, name in enumerate(self.cameras)}
        cameras = {name: Camera(name, size, matrix, np.zeros(5), np.eye(3), pose) for name, pose in poses.items()}
        write_calibration(cameras, self.results / "calibration" / "arena.toml", "mm")
        table = pd.DataFrame({"camera": self.cameras, "n_board_frames": 30, "n_points": 600, "coverage": 0.7})
        # What is known of a calibration that was given: nothing.
        table[["mean_px", "median_px", "p95_px"]] = [0.31, 0.25, 0.8] if self.board else [np.nan] * 3
        about = {"truth": {"cam1": {"distance": 1.234, "percent": 0.15, "focal_percent": -0.4}}, "board_videos": {"cam1": "cd" * 32}}
        write_table(table, "calibration", self.results / "calibration" / "arena.parquet", about if self.board else {})

    def _write_experiment(self, experiment: str) -> None:
        folder = self.results / "experiments" / experiment
        names = [f"k{index:02d}" for index in range(self.n_keypoints)]
        frames = np.arange(self.n_frames)
        positions = self.positions() + np.random.default_rng(0).normal(0, 1.5, (self.n_frames, self.n_keypoints, 3))
        positions[frames >= round(self.located * self.n_frames)] = np.nan
        for session in self.sessions:
            table = pd.DataFrame(
                {
                    "frame": np.repeat(frames, self.n_keypoints),
                    "time_s": np.repeat(frames / RATE, self.n_keypoints),
                    "keypoint": names * self.n_frames,
                }
            )
            table[["x", "y", "z"]] = positions.reshape(-1, 3)
            table[["confidence", "spread", "reprojection_px"]] = [0.8, 6.0, 0.4]
            write_table(table, "keypoints", folder / "keypoints" / f"{session}.parquet", {"units": "mm", "model": self.model})
        pairs = [(a, b, 1.0 if b == a + 1 else 0.2) for a in range(self.n_keypoints) for b in range(a + 1, self.n_keypoints)]
        edges = pd.DataFrame([(names[a], names[b], weight) for a, b, weight in pairs], columns=["keypoint_a", "keypoint_b", "weight"])
        write_table(edges, "edges", folder / "training" / "edges.parquet")
        self._write_movements(folder)
        steps = np.arange(0, 321, 10)
        terms = {"total": 3.0, "silhouette": 1.0, "coverage": 0.5, "consistency": 0.8, "length": 0.0}
        history = [
            pd.DataFrame({"step": steps, "seconds": steps * 0.1, "term": term, "value": start * np.exp(-steps / 100)})
            for term, start in terms.items()
        ]
        write_table(pd.concat(history), "history", folder / "training" / "history.parquet")
        if self.joints:
            other = {"root_mpjpe": 9.0, "n_mpjpe": 8.0, "pck": 0.75, "auc": 0.5}
            errors = [
                {"method": m, "joint": f"j{j}", "n_frames": 40, "n_unknown": 0, "mpjpe": e + j, "pa_mpjpe": e - j, **other}
                for m, e in METHODS.items()
                for j in range(self.n_keypoints)
            ]
            write_table(pd.DataFrame(errors), "joint_errors", folder / "evaluation" / "joints.parquet")
            nearest = [
                {"name": name, "nearest": f"j{index}", "share": 0.95, "distance": 4.2, "n_frames": 40} for index, name in enumerate(names)
            ]
            sides = [{"left": "j0", "right": "j1", "left_keypoint": "k00", "right_keypoint": "k01", "share": 0.875, "n_frames": 40}]
            sides.append(sides[0] | {"left": "j2", "right": "j3", "right_keypoint": "k00", "share": 0.0})
            ours = {"swaps": 0.025, "scatter": 0.0456, "left_right": 0.4375, "jumps": 0.01, "turned": 0.0321, "fewer_views": None}
            ours |= {"sides": sides, "predictors": [{"predictor": "jumps", "truth": "scatter", "correlation": 0.625, "n": 5}]}
            identity = {"keypoints": nearest, "methods": {"bkind3d": ours, "untrained": {"swaps": 0.5, "jumps": 0.25}}}
            groups = [
                {"kind": "subject", "name": "rat1", "method": m, "n_frames": 40, "mpjpe": e, "pa_mpjpe": e - 1, **other}
                for m, e in METHODS.items()
            ]
            upstream = {"bkind3d": {f"upstream_{name}": 20.0 for name in ("mpjpe", "shifted_mpjpe", "n_mpjpe", "pa_mpjpe")}}
            curve = [
                {"method": m, "n_frames": n, "n_draws": 5, "regressor": "ridge", "mpjpe": e, "pa_mpjpe": e + 30 / n}
                | {"pa_mpjpe_low": e, "pa_mpjpe_high": e + 60 / n}
                for n in (10, 30, 40)
                for m, e in METHODS.items()
                if m != "oracle_4"
            ]
            content = {"identity": identity, "groups": groups, "upstream": upstream, "label_efficiency": curve}
            write_json({"rows": [], **content}, folder / "evaluation" / "pose.json")
        if self.behaviours:
            self._write_behaviours()
            counts = [
                {"features": f, "true": t, "predicted": p, "count": 30 if t == p else 4}
                for f in ("discovered", "majority_class")
                for t in ("rest", "walk")
                for p in ("rest", "walk")
            ]
            single = {"precision": 0.75, "recall": 0.5, "f1": 0.6, "average_precision": 0.8125, "n_test": 34}
            tables = {features: [single | {"behaviour": b} for b in ("rest", "walk")] for features in ("discovered", "ground_truth")}
            write_json({"rows": [], "by_class": tables}, folder / "evaluation" / "actions.json")
            write_table(pd.DataFrame(counts), "confusion", folder / "evaluation" / "confusion.parquet")

    def _write_behaviours(self) -> None:
        table = pd.DataFrame({"frame": range(self.n_frames), "behaviour": "rest"})
        table.loc[self.n_frames // 2 :, "behaviour"] = "walk"
        write_table(table, "behaviours", self.folder / "b.parquet")

    def _write_movements(self, folder: Path) -> None:
        middles = range(4, round(self.located * self.n_frames) - 4)
        rows = [(session, frame, 1 + frame % 2) for session in self.sessions for frame in middles]
        table = pd.DataFrame(rows, columns=["session", "frame", "cluster"])
        table = table.assign(time_s=table["frame"] / RATE, start=table["frame"] - 4, stop=table["frame"] + 4, turn=0.3)
        table = table.assign(distance=np.abs(table["frame"] - 12.0), behaviour=np.where(table["cluster"] == 1, "rest", ""))
        shares = {session: [(rows["cluster"] == cluster).mean() for cluster in (1, 2)] for session, rows in table.groupby("session")}
        about = {"window_seconds": 0.8, "n_clusters": 2, "n_components": 3, "explained": 0.75, "shares": shares}
        about |= {"agreement": {"adjusted_mutual_information": 0.625, "n_windows": 17}}
        empty = {"n_clusters": 2, "reason": "0 windows of 0.8 s without gaps are too few for 2 clusters"}
        write_table(table, "movements", folder / "movements.parquet", about if rows else empty)

    def _write_tables(self) -> None:
        folder = self.results / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        pose, actions = [], []
        for experiment in self.experiments:
            base = {"experiment": experiment, "dataset": "toy"}
            if not self.joints:
                pose.append(base | {"method": "bkind3d", "supervision": "none", "split": "subject", "regressor": "no reference"})
            for method, error in METHODS.items() if self.joints else ():
                row = base | {
                    "method": method,
                    "supervision": "none",
                    "split": "subject",
                    "n_views": self.n_cameras,
                    "n_keypoints": 5,
                    "regressor": "linear",
                }
                row |= {"n_frames": 40, "n_missing": 0, "unit": "mm", "mpjpe": error * 1.6, "n_mpjpe": error * 1.5, "pa_mpjpe": error}
                row |= {"root_mpjpe": error * 1.4, "pck": 0.9, "auc": 0.4, "pck_threshold": 20.3, "n_unknown": 7, "interval_unit": "second"}
                row |= {"pa_mpjpe_ci_low": error - 1, "pa_mpjpe_ci_high": error + 1}
                for floor in ("mean_pose", "untrained"):
                    if method != floor:
                        row |= {f"vs_{floor}_ci_low": -3.0, f"vs_{floor}_ci_high": self.pose_floor_high}
                pose.append(row)
            if not self.behaviours:
                actions.append(base | {"features": "discovered", "classifier": "no reference"})
            for features, accuracy in {"discovered": 0.88, "ground_truth": 0.93, "majority_class": 0.5}.items() if self.behaviours else ():
                row = base | {
                    "features": features,
                    "classifier": "conv1d",
                    "n_classes": 2,
                    "n_train": 80,
                    "n_test": 68,
                    "accuracy": accuracy,
                }
                actions.append(row | {"accuracy_ci_low": accuracy - 0.05, "accuracy_ci_high": accuracy + 0.05, "macro_f1": accuracy - 0.02})
        pd.DataFrame(pose, columns=list(POSE_COLUMNS)).to_csv(folder / "pose.csv", index=False)
        pd.DataFrame(actions, columns=list(ACTION_COLUMNS)).to_csv(folder / "actions.csv", index=False)


def project(projection: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(point, 2) pixels of (point, 3) world points."""
    homogeneous = points @ projection[:, :3].T + projection[:, 3]
    return homogeneous[:, :2] / homogeneous[:, 2:]


@pytest.fixture(scope="session")
def make_toy() -> type[ToyStudy]:
    """Makes studies elsewhere than in a test's own folder."""
    return ToyStudy


@pytest.fixture
def toy(tmp_path: Path) -> ToyStudy:
    """A study not yet written."""
    return ToyStudy(tmp_path)
