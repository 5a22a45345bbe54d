"""``python -m benchmarks.calibration``: how well simulated rigs are calibrated, and whether broken ones are named.

Every case is a file in the output folder, so that a run goes on where another stopped. Cases:

- ``rendered``: boards rendered by MuJoCo in a larger picture, warped by the lens, blurred, with noise, encoded as video,
  and calibrated by ``calibrate-cameras``; seeds 0 to 2.
- ``projected``: corners projected, with detection errors drawn from those measured on rendered pictures; the other seeds.
- ``broken``: rigs of six cameras with one fault, and clean ones.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bkind3d.calibration.boards import Corners, detect_corners, locate_model, make_board
from bkind3d.calibration.calibration import calibrate_corners
from bkind3d.calibration.corners import MIN_CORNERS, find_corners
from bkind3d.calibration.faults import check_scale, find_faults
from bkind3d.calibration.findings import Finding
from bkind3d.calibration.given import check_given
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.calibration.misprints import explain_unseen_board
from bkind3d.calibration.printing import draw_board
from bkind3d.calibration.world import compare_to_truth
from bkind3d.config import BoardConfig, CalibrationConfig, InputError, SimulatedRig
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_points, undistort_points

Array = NDArray[np.float64]

BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=60, marker_length=45)
CONFIG = CalibrationConfig(floor_frame=0)
RIGS, RENDERED_SEEDS, SEEDS = (2, 4, 6, 12), range(3), range(20)
#: Sizes of the pictures, in turn.
SIZES = ((640, 480), (480, 384), (560, 420), (400, 320))
BOARD_FRAMES = 60
#: Distortion k1 of a strong barrel: straight lines at the picture's corners bend by a tenth of its height.
STRONGEST = -0.32
BLUR_PX, NOISE_LEVELS = 2.0, 2.5
#: Limits of the figures: centres (% of the distance), focal lengths (%), held-out error (px).
LIMITS = {"centre_percent": 0.3, "focal_percent": 0.5, "error_px": 0.5}


def make_rig(n_cameras: int, seed: int) -> tuple[SimulatedRig, dict[str, Camera]]:
    """Cameras around an arena, of mixed sizes, with principal points off the middle and distortion up to a strong barrel."""
    from bkind3d.simulation.rigs import make_cameras

    rig = SimulatedRig(cameras=n_cameras, width=640, height=480, board_frames=BOARD_FRAMES, seed=100 + seed)
    generator, cameras = np.random.default_rng([seed, n_cameras, 7]), {}
    for index, (name, camera) in enumerate(make_cameras(rig).items()):
        size = SIZES[(index + seed) % len(SIZES)]
        matrix = camera.matrix.copy()
        matrix[[0, 1], [0, 1]] *= min(size[0] / 640, size[1] / 480)
        matrix[:2, 2] = (np.array(size) - 1) / 2 + generator.uniform(-0.015, 0.015, 2) * size[0]
        k1 = generator.uniform(STRONGEST, 0.0)
        cameras[name] = replace(camera, size=size, matrix=matrix, distortion=np.array([k1, 0.35 * k1**2, 0, 0, 0]))
    return rig, cameras


def pose_boards(rig: SimulatedRig, cameras: dict[str, Camera], seed: int = 0) -> list[tuple[Array, Array]]:
    """Board to world in every frame; flat on the floor in frame 0."""
    from bkind3d.simulation.rigs import pose_board

    return [(pose.rotation, pose.translation) for pose in pose_board(rig.model_copy(update={"seed": rig.seed + seed}), BOARD, cameras)]


def film(rig: SimulatedRig, cameras: dict[str, Camera], seed: int, folder: Path) -> dict[str, Path]:
    """Board videos of all cameras: rendered without distortion in a larger picture, then warped by each lens."""
    import mujoco

    from bkind3d.data.video_writer import VideoWriter
    from bkind3d.simulation.filming import build_model
    from bkind3d.simulation.rendering import Renderer

    generator, videos = np.random.default_rng([seed, 11]), {}
    model = build_model(rig, BOARD)
    data = mujoco.MjData(model)
    for name, camera in cameras.items():
        wide, maps = widen(camera)
        videos[name] = folder / f"{name}.mp4"
        with Renderer(model, wide.size) as renderer, VideoWriter(videos[name], camera.size, rig.rate) as writer:
            renderer.keep_background(data, wide)
            for rotation, translation in pose_boards(rig, cameras):
                data.mocap_pos[0] = translation / 1000
                mujoco.mju_mat2Quat(data.mocap_quat[0], rotation.ravel())
                renderer.update(data)
                writer.write(spoil(cv2.remap(renderer.render_moving(wide), *maps, cv2.INTER_CUBIC), generator))
    return videos


def widen(camera: Camera) -> tuple[Camera, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """An undistorted camera that sees all that `camera` sees, and where in its picture each pixel of `camera` is."""
    width, height = camera.size
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    undistorted = undistort_points(camera, np.stack([columns.ravel(), rows.ravel()], axis=1))
    # The renderer's optical axis is the middle of its picture.
    reach = np.abs(undistorted - camera.matrix[:2, 2]).max(axis=0) + 2
    size = (int(2 * np.ceil(reach[0])), int(2 * np.ceil(reach[1])))
    matrix = camera.matrix.copy()
    matrix[:2, 2] = (np.array(size) - 1) / 2
    shifted = (undistorted - camera.matrix[:2, 2] + matrix[:2, 2]).astype(np.float32).reshape(height, width, 2)
    return replace(camera, size=size, matrix=matrix, distortion=np.zeros(5)), (shifted[..., 0].copy(), shifted[..., 1].copy())


def spoil(picture: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Motion blur along a random line of up to `BLUR_PX` pixels, and noise."""
    length, angle = generator.uniform(0, BLUR_PX), generator.uniform(0, np.pi)
    steps = [np.float32([[1, 0, t * np.cos(angle)], [0, 1, t * np.sin(angle)]]) for t in np.linspace(-length / 2, length / 2, 5)]
    blurred = np.mean([cv2.warpAffine(picture, step, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE) for step in steps], axis=0)
    return np.clip(blurred + generator.normal(0, NOISE_LEVELS, picture.shape) + 0.5, 0, 255).astype(np.uint8)


def project_boards(cameras: dict[str, Camera], poses: list[tuple[Array, Array]], noise: Array | None, seed: int) -> Corners:
    """Corners where they are, of boards that face the camera; `noise` (error, 2) holds detection errors to draw from."""
    board = make_board(BOARD)
    model, generator = locate_model(board), np.random.default_rng([seed, 13])
    points = np.full((len(cameras), len(poses), len(model), 2), np.nan)
    for index, camera in enumerate(cameras.values()):
        for frame, (rotation, translation) in enumerate(poses):
            seen = project_points(camera, model @ rotation.T + translation)
            ray = camera.centre - (rotation @ model.mean(axis=0) + translation)
            facing = float(-rotation[:, 2] @ ray / np.linalg.norm(ray))
            inside = ((seen > 4) & (seen < np.array(camera.size) - 5)).all(axis=1)
            if facing > 0.35 and inside.sum() >= MIN_CORNERS:
                points[index, frame, inside] = seen[inside]
    if noise is not None:
        points += noise[generator.integers(len(noise), size=points.shape[:-1])]
    return Corners(list(cameras), [camera.size for camera in cameras.values()], np.arange(len(poses)), points, model, board)


def judge(corners: Corners, cameras: dict[str, Camera]) -> dict[str, float | bool | str]:
    """Calibrate and compare with the truth; the worst camera counts."""
    started = time.process_time()
    try:
        found, judged = calibrate_corners(corners, CONFIG, "mm")
    except InputError as error:
        return {"refused": str(error)}
    truth = compare_to_truth({camera.name: camera for camera in found}, cameras)
    worst = {key: max(abs(row[key]) for row in truth.values()) for key in ("percent", "aligned_percent", "focal_percent")}
    return {
        "centre_percent": worst["aligned_percent"],
        "centre_in_floor_frame_percent": worst["percent"],
        "focal_percent": worst["focal_percent"],
        "error_px": float(judged.table["mean_px"].max()),
        "error_mm": float(judged.table["mean_world"].max()),
        "false_alarms": "; ".join(finding.text for finding in judged.findings if finding.level == "failure"),
        "seconds": time.process_time() - started,
    }


def run_rendered(n_cameras: int, seed: int, folder: Path) -> dict[str, float | bool | str]:
    """Film, search, calibrate; keep the detection errors for the projected cases."""
    rig, cameras = make_rig(n_cameras, seed)
    with tempfile.TemporaryDirectory() as videos:
        corners = find_corners(film(rig, cameras, seed, Path(videos)), BOARD, CONFIG)
    exact = project_boards(cameras, pose_boards(rig, cameras), None, seed).points
    errors = (corners.points - exact)[np.isfinite(corners.points).all(axis=-1) & np.isfinite(exact).all(axis=-1)]
    np.save(folder / f"noise_{n_cameras}_{seed}.npy", errors)
    distances = np.linalg.norm(errors, axis=1)
    noise = {"corner_median_px": float(np.median(distances)), "corner_p95_px": float(np.quantile(distances, 0.95))}
    return judge(corners, cameras) | noise


def run_projected(n_cameras: int, seed: int, folder: Path) -> dict[str, float | bool | str]:
    """Calibrate from projected corners with measured errors."""
    rig, cameras = make_rig(n_cameras, seed)
    return judge(project_boards(cameras, pose_boards(rig, cameras), read_noise(folder), seed), cameras)


def read_noise(folder: Path) -> Array:
    """(error, 2) of all rendered cases so far, pixels."""
    files = sorted(folder.glob("noise_*.npy"))
    if not files:
        raise SystemExit("benchmarks: no rendered case yet; run `python -m benchmarks.calibration rendered` first")
    return np.concatenate([np.load(path) for path in files])


def run_broken(kind: str, seed: int, folder: Path) -> dict[str, float | bool | str]:
    """One rig of six cameras with a fault: whether exactly that is named, by its kind and camera."""
    rig, cameras = make_rig(6, seed)
    corners = project_boards(cameras, pose_boards(rig, cameras), read_noise(folder), seed)
    generator = np.random.default_rng([seed, 17])
    victim = int(generator.integers(6))
    expected, findings = FAULTS[kind](corners, cameras, victim, seed, folder)
    found = {(finding.kind, tuple(finding.cameras)) for finding in findings if finding.level != "warning"}
    return {"named": found == expected, "texts": "; ".join(finding.text for finding in findings)}


Named = tuple[set[tuple[str, tuple[str, ...]]], list[Finding]]


def diagnose(corners: Corners) -> list[Finding]:
    """What ``calibrate-cameras`` finds before it solves."""
    views = zip(corners.cameras, corners.points, corners.sizes, strict=True)
    return find_faults([estimate_once(corners.model, points, size, name) for name, points, size in views], corners)


_LENSES: dict[tuple[str, bytes], Camera] = {}


def estimate_once(model: Array, points: Array, size: tuple[int, int], name: str) -> Camera:
    """Intrinsics, remembered: the faults of a seed share the cameras that have none."""
    key = (name, points.tobytes())
    if key not in _LENSES:
        _LENSES[key] = estimate_intrinsics(model, points, size, name)
    return _LENSES[key]


def leave_clean(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """Nothing is wrong, neither for the solve nor for the true calibration."""
    return set(), [*diagnose(corners), *check_given(list(cameras.values()), corners), *check_scale(BOARD, "mm")]


def copy_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """The video of a camera (even seeds), or its entry in the calibration, is another's."""
    names, source = corners.cameras, (victim + 1 + seed % 5) % 6
    pair = (names[min(victim, source)], names[max(victim, source)])
    if seed % 2 == 0:
        sizes = [corners.sizes[source] if index == victim else size for index, size in enumerate(corners.sizes)]
        return {("copy", pair)}, diagnose(replace(put(corners, victim, corners.points[source]), sizes=sizes))
    given = list(cameras.values())
    given[victim] = replace(given[source], name=names[victim])
    return {("copy", pair), ("moved", (names[victim],))}, check_given(given, corners)


def mirror_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """A camera's pictures are mirrored."""
    mirrored = corners.points[victim] * [-1, 1] + [corners.sizes[victim][0] - 1, 0]
    return {("mirrored", (corners.cameras[victim],))}, diagnose(put(corners, victim, mirrored))


def delay_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """A camera films 1 to 20 frames later than the others."""
    late = np.full_like(corners.points[victim], np.nan)
    late[seed + 1 :] = corners.points[victim, : -(seed + 1)]
    return {("timing", (corners.cameras[victim],))}, diagnose(put(corners, victim, late))


def move_camera(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """A camera is pushed (2 to 5 degrees, 2 to 5 % of its distance): during the film (even seeds), or after the calibration."""
    generator, rig = np.random.default_rng([seed, 19]), make_rig(6, seed)[0]
    camera = list(cameras.values())[victim]
    axis, way = generator.normal(size=3), generator.normal(size=3)
    turn = cv2.Rodrigues(np.radians(generator.uniform(2, 5)) * axis / np.linalg.norm(axis))[0]
    centre = camera.centre + generator.uniform(0.02, 0.05) * np.linalg.norm(camera.centre) * way / np.linalg.norm(way)
    rotation = turn @ camera.rotation
    pushed = cameras | {camera.name: replace(camera, rotation=rotation, translation=-rotation @ centre)}
    named = {("moved", (camera.name,))}
    noise = read_noise(folder)
    if seed % 2 == 0:
        after = project_boards(pushed, pose_boards(rig, cameras), noise, seed).points[victim]
        start = int(generator.integers(BOARD_FRAMES // 4, 3 * BOARD_FRAMES // 4))
        points = np.where(np.arange(BOARD_FRAMES)[:, None, None] < start, corners.points[victim], after)
        return named, diagnose(put(corners, victim, points))
    return named, check_given(list(cameras.values()), project_boards(pushed, pose_boards(rig, cameras, seed=1000), noise, seed))


def mistake_board(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """Another unit (even seeds), or other numbers of squares than the board in the pictures has."""
    if seed % 2 == 0:
        factor, units = ((1.0, "m"), (0.001, "mm"))[seed // 2 % 2]
        sides = {"square_length": factor * BOARD.square_length, "marker_length": factor * 45}
        return {("scale", ())}, check_scale(BoardConfig(**BOARD.model_dump() | sides), units)
    wrong = ({"squares_x": 5, "squares_y": 7}, {"squares_x": 8}, {"squares_x": 6}, {"squares_y": 6}, {"squares_y": 4})[seed // 2 % 5]
    config = BoardConfig(**BOARD.model_dump() | wrong)
    picture = cv2.resize(draw_board(BOARD), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    unseen = not any(np.isfinite(detect_corners(make_board(config, legacy), picture)).any() for legacy in (False, True))
    text = explain_unseen_board([picture], config) if unseen else "found all the same"
    named = "squares" in text and "exchange" in text if "squares_x" in wrong and len(wrong) == 2 else "do not lie as on a board" in text
    finding = Finding("failure", "squares" if named else "other", (), text)
    return {("squares", ())}, [finding]


def part_pair(corners: Corners, cameras: dict[str, Camera], victim: int, seed: int, folder: Path) -> Named:
    """Two cameras never see the board together."""
    other = (victim + 1 + seed % 5) % 6
    points = corners.points.copy()
    both = np.flatnonzero(corners.seen[victim] & corners.seen[other])
    points[victim, both[::2]], points[other, both[1::2]] = np.nan, np.nan
    pair = (corners.cameras[min(victim, other)], corners.cameras[max(victim, other)])
    return {("unshared", pair)}, diagnose(replace(corners, points=points))


def put(corners: Corners, camera: int, points: Array) -> Corners:
    """The corners with those of one camera exchanged."""
    changed = corners.points.copy()
    changed[camera] = points
    return replace(corners, points=changed)


FAULTS: dict[str, Callable[[Corners, dict[str, Camera], int, int, Path], Named]] = {
    "clean": leave_clean,
    "copied": copy_camera,
    "mirrored": mirror_camera,
    "out of sync": delay_camera,
    "moved": move_camera,
    "wrong board": mistake_board,
    "pair unshared": part_pair,
}


def list_cases(parts: list[str], sizes: list[int]) -> list[tuple[str, str, int]]:
    """Part, rig or fault, and seed of every case; first seeds first."""
    cases = [("rendered", str(n), seed) for seed in RENDERED_SEEDS for n in sizes]
    cases += [("projected", str(n), seed) for seed in SEEDS if seed not in RENDERED_SEEDS for n in sizes]
    cases += [("broken", kind, seed) for seed in SEEDS for kind in FAULTS]
    return [case for case in cases if case[0] in parts]


def run_case(part: str, what: str, seed: int, folder: Path) -> None:
    """Run one case, unless its file is there."""
    path = folder / f"{part}_{what.replace(' ', '-')}_{seed:02d}.json"
    if path.exists():
        return
    run: Callable[[int, int, Path], dict[str, float | bool | str]] = run_rendered if part == "rendered" else run_projected
    row = run_broken(what, seed, folder) if part == "broken" else run(int(what), seed, folder)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"part": part, "what": what, "seed": seed, **row}, indent=1))
    temporary.rename(path)
    print(part, what, seed, {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}, flush=True)


def summarise(folder: Path) -> str:
    """The tables of all finished cases, as Markdown."""
    cases = pd.DataFrame([json.loads(path.read_text()) for path in sorted(folder.glob("*_*.json"))])
    lines = [
        "| cameras | seeds | within all limits | centre %, median and worst | focal %, median and worst | held-out px, median and worst |"
    ]
    lines.append("|---" * 6 + "|")
    for n in (str(n) for n in RIGS):
        rows = cases[(cases["what"] == n)]
        if rows.empty:
            continue
        good = np.logical_and.reduce([rows[key] <= limit for key, limit in LIMITS.items()])
        spans = [f"{rows[key].median():.3f}, {rows[key].max():.3f}" for key in LIMITS]
        lines.append(f"| {n} | {len(rows)} | {int(good.sum())} | " + " | ".join(spans) + " |")
    lines += ["", "| fault | seeds | named and nothing else |", "|---|---|---|"]
    for kind in FAULTS:
        rows = cases[cases["what"] == kind]
        if len(rows):
            lines.append(f"| {kind} | {len(rows)} | {int(rows['named'].sum())} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["rendered", "projected", "broken"], help="parts to run (all)")
    parser.add_argument("--cameras", type=int, nargs="+", default=list(RIGS), help="sizes of rigs")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/calibration"), help="folder of the cases")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    for case in list_cases(arguments.parts, arguments.cameras):
        run_case(*case, arguments.output)
    table = summarise(arguments.output)
    (arguments.output / "table.md").write_text(table + "\n")
    print(table)


if __name__ == "__main__":
    main()
