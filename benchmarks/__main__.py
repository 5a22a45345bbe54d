"""``python -m benchmarks``: judge a finished demo (``make demo``) against the simulation's truth and print its figures."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.study.layout import Layout
from bkind3d.study.opening import load_study, read_yaml

RESULTS = Layout(Path("results"))


def read_points(path: Path, kind: str, name: str) -> NDArray[np.float64]:
    """(frame, point, 3) of a joints or keypoints table."""
    table = read_table(path, kind)
    n_points = table[name].nunique()
    return table[["x", "y", "z"]].to_numpy(np.float64).reshape(-1, n_points, 3)


def judge_calibration(rig: str) -> dict[str, float]:
    """Reprojection error, and the distance of the camera centres to the truth as a share of that to the arena's centre."""
    cameras, _ = read_calibration(RESULTS.calibration(rig))
    true, _ = read_calibration(RESULTS.true_calibration(rig))
    offsets = [np.linalg.norm(cameras[name].centre - camera.centre) / np.linalg.norm(camera.centre) for name, camera in true.items()]
    quality = read_table(RESULTS.calibration_quality(rig), "calibration")
    return {"mean_reprojection_px": float(quality["mean_px"].mean()), "worst_centre_percent": 100 * float(max(offsets))}


def judge_location(session: str, body_length: float) -> NDArray[np.float64]:
    """Distance of the located from the true centre (mean of the joints) in every frame, as a share of the body's length."""
    location = read_table(RESULTS.location(session), "location")
    centres = read_points(RESULTS.true_joints(session), "joints", "joint").mean(axis=1)
    return np.asarray(np.linalg.norm(location[["x", "y", "z"]].to_numpy() - centres, axis=1) / body_length)


def judge_silhouettes(session: str, rig: str, experiment: str, growth: float = 0.05) -> NDArray[np.bool_]:
    """Whether each keypoint projects into the true silhouette, grown by a share of the window's width, in each view."""
    cameras, _ = read_calibration(RESULTS.true_calibration(rig))
    keypoints = read_points(RESULTS.keypoints(experiment, session), "keypoints", "keypoint")
    metadata = read_metadata(next(RESULTS.folder.glob(f"frames/*/{session}/*.parquet")))
    inside = []
    for row in read_table(RESULTS.true_silhouettes(session), "silhouettes").itertuples():
        camera, points = cameras[str(row.camera)], keypoints[int(str(row.frame))]
        mask = cv2.imdecode(np.frombuffer(row.mask, np.uint8), cv2.IMREAD_GRAYSCALE)
        homogeneous = points @ camera.projection[:, :3].T + camera.projection[:, 3]
        width = camera.matrix[0, 0] * metadata["side"] / np.median(homogeneous[:, 2])
        distance = cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 5)
        pixels = np.rint(homogeneous[:, :2] / homogeneous[:, 2:]).astype(int)
        x, y = pixels[:, 0].clip(0, mask.shape[1] - 1), pixels[:, 1].clip(0, mask.shape[0] - 1)
        inside.append(distance[y, x] <= growth * width)
    return np.stack(inside)


def main() -> None:
    """Print the figures of every experiment of the study in the working directory."""
    study = load_study(read_yaml(Path("config/config.yaml")))
    sessions = study.config.simulation.sessions
    rigs = {name: sessions[name].rig for name in study.sessions if name in sessions}
    if not rigs:
        sys.exit("benchmarks: the study has no simulated session: run this where `make demo` was run")
    for rig in sorted(set(rigs.values())):
        print(f"calibration {rig}: {json.dumps(judge_calibration(rig))}")
    print(pd.read_csv(RESULTS.pose_table()).to_string(index=False))
    print(pd.read_csv(RESULTS.actions_table()).to_string(index=False))
    for experiment in study.config.experiments:
        pose = json.loads(RESULTS.pose(experiment).read_text())
        identity = pose["identity"]
        length = identity["body_length"]
        errors = np.concatenate([judge_location(session, length) for session in rigs])
        print(f"{experiment}: body length {length:.0f}; centre within 15 % of it in {100 * np.mean(errors < 0.15):.2f} % of frames")
        print(f"{experiment}: closest pair of keypoints {100 * identity['pair_min_share']:.1f} % of body length apart on average")
        tests = [name for name in rigs if study.sessions[name].split == "test"]
        inside = np.concatenate([judge_silhouettes(session, rigs[session], experiment) for session in tests])
        print(
            f"{experiment}: {100 * inside.mean():.1f} % of keypoint projections in the true silhouettes (in every view of a frame and keypoint)"
        )
        for joint in identity["joints"]:
            print(
                f"{experiment}: joint {joint['name']}: keypoint {joint['nearest']} is the nearest in {100 * joint['share']:.1f} % of frames"
            )
        for keypoint in identity["keypoints"]:
            print(
                f"{experiment}: keypoint {keypoint['name']}: joint {keypoint['nearest']} is the nearest in {100 * keypoint['share']:.1f} % of frames"
            )


if __name__ == "__main__":
    main()
