"""``python -m benchmarks.pages``: size of the pages, and time until they can be used, of a study of 100 sessions, one of them 10 minutes of 6 cameras."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from playwright.sync_api import Browser, sync_playwright

from bkind3d.config import StudyConfig
from bkind3d.data.parquet import TABLES, write_table
from bkind3d.data.results import ACTION_COLUMNS, POSE_COLUMNS, write_json
from bkind3d.evaluation.doubts import measure_doubts
from bkind3d.evaluation.health import examine_sessions
from bkind3d.report.pages import write_report, write_session_page
from bkind3d.study.layout import Layout
from bkind3d.study.sheets import CameraRow, RigRow, SessionRow
from bkind3d.study.study import Study

SESSIONS, CAMERAS, KEYPOINTS, RATE, MINUTES, SIDE = 100, 6, 30, 30.0, 10, 384
SHORT, LONG = 90, round(MINUTES * 60 * RATE)
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CHROMIUM += ["--disable-sync", "--no-first-run"]
NAMES = [f"k{index:02d}" for index in range(KEYPOINTS)]
CAMERA_NAMES = [f"cam{index + 1}" for index in range(CAMERAS)]


def write_study(folder: Path) -> Study:
    """Write a study's result files; the first session is the long one. Keypoints wander over pictures of a textured body on a textured floor."""
    sessions = [f"session{index:03d}" for index in range(SESSIONS)]
    rows = {name: SessionRow(0, name, f"animal{index}", "rig", "predict" if index else "test") for index, name in enumerate(sessions)}
    cameras = {name: {camera: CameraRow(0, name, camera, f"{name}_{camera}.mp4", "") for camera in CAMERA_NAMES} for name in sessions}
    rig = RigRow(0, "rig", "mm", "rig.toml", "", "", "", "", "", "z")
    experiment = {"preset": "demo", "frames": "subject", "model": {"n_keypoints": KEYPOINTS, "n_symmetric_pairs": 0}}
    config = StudyConfig.model_validate({"experiments": {"demo": experiment}})
    study, pictures = Study(folder, config, rows, cameras, {"rig": rig}), draw_pictures()
    for index, name in enumerate(sessions):
        write_session(study.results, name, SHORT if index else LONG, pictures)
    write_experiment(study.results)
    return study


def draw_pictures() -> list[bytes]:
    """JPEGs as noisy as a camera's: a textured floor that passes below a textured body."""
    rng = np.random.default_rng(0)
    floor = cv2.resize(rng.integers(60, 200, (120, 120, 3)).astype(np.uint8), (3 * SIDE, 3 * SIDE), interpolation=cv2.INTER_CUBIC)
    body = cv2.resize(rng.integers(0, 120, (24, 12, 3)).astype(np.uint8), (SIDE // 5, SIDE // 2), interpolation=cv2.INTER_CUBIC)
    found = []
    for step in range(60):
        picture = floor[10 * step : 10 * step + SIDE, 12 * step : 12 * step + SIDE].copy()
        picture[SIDE // 4 : SIDE // 4 + body.shape[0], SIDE // 3 : SIDE // 3 + body.shape[1]] = body
        noisy = np.clip(picture + rng.normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8)
        found.append(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes())
    return found


def write_session(results: Layout, name: str, n_frames: int, pictures: list[bytes]) -> None:
    """Write location, surveys, frames and keypoints of a session."""
    rng, frames = np.random.default_rng(1), np.arange(n_frames)
    centres = np.cumsum(rng.normal(0, 2, (n_frames, 3)), axis=0) * [1, 1, 0]
    place = pd.DataFrame({"frame": frames, "time_s": frames / RATE, "n_views": CAMERAS, "residual": 0.01, "valid": True})
    place[["x", "y", "z"]] = centres
    write_table(place, "location", results.location(name), {"extent": 170.0, "units": "mm"})
    write_json({"side": 200.0, "units": "mm"}, results.cube())
    survey = pd.DataFrame({column: 1.0 for column in TABLES["survey"]}, index=frames)
    survey = survey.assign(
        frame=frames, video_frame=frames, time_s=frames / RATE, fault="", mask=b"", shadows=b"", clusters=[[]] * n_frames
    )
    for camera, label in enumerate(CAMERA_NAMES):
        about = {
            "video_width": 1280,
            "video_height": 1024,
            "rate": RATE,
            "n_frames": n_frames,
            "video": f"{label}.mp4",
            "sha256": "ab" * 32,
        }
        write_table(survey, "survey", results.survey(name, label), about)
        write_frames(results.frames("subject", name, label), camera, centres, pictures)
    local = rng.normal(0, 35, (KEYPOINTS, 3)) + 8 * np.sin(frames[:, None, None] / 7 + rng.uniform(0, 6, (KEYPOINTS, 3)))
    table = pd.DataFrame(
        {"frame": np.repeat(frames, KEYPOINTS), "time_s": np.repeat(frames / RATE, KEYPOINTS), "keypoint": NAMES * n_frames}
    )
    table[["x", "y", "z"]] = (local + centres[:, None]).reshape(-1, 3)
    table[["confidence", "spread", "reprojection_px"]] = [0.8, 6.0, 0.4]
    write_table(table, "keypoints", results.keypoints("demo", name), {"units": "mm", "model": "none"})


def write_frames(path: Path, camera: int, centres: np.ndarray, pictures: list[bytes]) -> None:
    """Write the windows of one camera: it looks at the subject's centre from one side, 700 mm away."""
    angle, n_frames = 2 * np.pi * camera / CAMERAS, len(centres)
    rotation = np.array([[-np.sin(angle), np.cos(angle), 0], [0, 0, -1], [-np.cos(angle), -np.sin(angle), 0]])
    matrix = np.array([[SIDE * 2.0, 0, SIDE / 2], [0, SIDE * 2.0, SIDE / 2], [0, 0, 1]])
    offsets = np.array([0, 0, 700]) - centres @ rotation.T
    projections = matrix @ np.concatenate([np.broadcast_to(rotation, (n_frames, 3, 3)), offsets[..., None]], axis=2)
    frames = np.arange(n_frames)
    table = pd.DataFrame({"frame": frames, "time_s": frames / RATE, "mask": b"", "width": SIDE, "height": SIDE, "valid": True})
    table["image"] = [pictures[(frame + 7 * camera) % len(pictures)] for frame in frames]
    table[["x", "y", "z"]] = centres
    table[[f"p{i}{j}" for i in range(3) for j in range(4)]] = projections.reshape(n_frames, 12)
    write_table(table, "frames", path, {"size": 256, "margin": 1.5, "side": 200.0, "units": "mm", "rate": RATE})


def write_experiment(results: Layout) -> None:
    """Write what the report shows of the training, and tables that say that there is no reference."""
    edges = pd.DataFrame({"keypoint_a": NAMES[:-1], "keypoint_b": NAMES[1:], "weight": 1.0})
    write_table(edges, "edges", results.edges("demo"))
    steps = np.arange(0, 100_000, 50)
    history = [
        pd.DataFrame({"step": steps, "seconds": steps / 10, "term": term, "value": np.exp(-steps / 3e4)})
        for term in ("total", "silhouette")
    ]
    write_table(pd.concat(history), "history", results.history("demo"))
    nothing = pd.DataFrame(columns=list(TABLES["movements"]))
    write_table(nothing, "movements", results.movements("demo"), {"reason": "not looked for"})
    results.pose_table().parent.mkdir()
    tables = ((results.pose_table(), POSE_COLUMNS, "regressor"), (results.actions_table(), ACTION_COLUMNS, "classifier"))
    for path, columns, kind in tables:
        pd.DataFrame([{"experiment": "demo", kind: "no reference"}], columns=list(columns)).to_csv(path, index=False)


def measure_page(browser: Browser, path: Path, picture: str) -> None:
    """Print the size of a page, and the time until its player answers: moved to its middle, it shows the moment (and its picture)."""
    seconds = []
    for _ in range(3):
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        start = time.perf_counter()
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector(".player input[type=range]", state="attached")
        page.wait_for_load_state("domcontentloaded")
        page.evaluate(
            "() => { const player = document.querySelector('.player'); player.scrollIntoView(); const slider = player.querySelector('input[type=range]');"
            " const move = () => { if (player.dataset.index === undefined) return requestAnimationFrame(move);"
            " slider.value = Math.floor(slider.max / 2); slider.dispatchEvent(new Event('input')); }; move(); }"
        )
        page.wait_for_function(
            f"() => {{ const player = document.querySelector('.player'); return player.dataset.index > 0 && ({picture}); }}"
        )
        seconds.append(time.perf_counter() - start)
        if [url for url in asked if not url.startswith(path.as_uri())]:
            sys.exit(f"benchmarks: {path.name} asked for {asked}")
        context.close()
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, usable after {', '.join(f'{value:.2f}' for value in seconds)} s")


def main() -> None:
    """Write the pages, then open each three times."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("benchmarks: there is no Chromium; run: make system")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        study = write_study(Path(name))
        report, session = study.results.report(), study.results.session_page("session000")
        for path, write in (
            (report, lambda: write_report(study, report, examine_sessions, measure_doubts)),
            (session, lambda: write_session_page(study, "session000", session, examine_sessions, measure_doubts)),
        ):
            start, used = time.perf_counter(), time.process_time()
            write()
            print(f"{path.name}: written in {time.perf_counter() - start:.0f} s ({time.process_time() - used:.0f} s of processor)")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        measure_page(browser, report, "true")
        measure_page(browser, session, "player.querySelector('.views').dataset.shown > 0")
        browser.close()


if __name__ == "__main__":
    main()
