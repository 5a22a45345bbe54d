"""How quick the page for labelling is: ``python -m benchmarks.label_page --cameras 6 --size 1280x1024``.

A study with H.264 videos of that many cameras is made in a temporary folder, its page served by a process of its own and driven in Chromium:
moments until the next frame is shown in all views, until a click is triangulated, memory of the server, and how many actions label
30 frames of 10 joints.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from bkind3d.geometry.lenses import project_through_lens
from tests.unit.labelling.conftest import find_truth, make_camera, write_study
from tests.unit.labelling.test_browser import CHROMIUM, Page

#: Joints of a frame; the body has four points, which are clicked in turn.
JOINTS, POINTS = 10, ("nose", "neck", "hip", "tail")
#: Share of the clicks that slip, and distance on the screen at which something is seen to be off, pixels.
SLIPS, SEEN = 0.03, 4.0


def write_video(path: Path, pictures) -> None:  # type: ignore[no-untyped-def]
    """Write H.264 as cameras do: 4:2:0, a keyframe every 50 frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(25))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.options = "yuv420p", {"crf": "20", "preset": "veryfast", "g": "50"}
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        assert stream is not None
        container.mux(stream.encode(None))


def label_frame(page: Page, cameras: dict, session: str, frame: int, noise: np.random.Generator) -> tuple[list[int], int]:  # type: ignore[type-arg]
    """Click every joint in two views, one after the other as the page chooses them, and drag what is seen to be off.

    A click is a pixel off, and one in `1 / SLIPS` far off. What is shown more than `SEEN` of the screen's pixels from where the joint is,
    be it a click or the cross that the clicks make in another view, is seen to be off.

    Returns
    -------
    Milliseconds of each click, and the number of corrections.
    """
    truth, times, names, corrections = find_truth(session, frame), [], list(cameras), 0
    for number in range(JOINTS):
        page.page.wait_for_function("(number) => state.joint === number", arg=number)
        point = truth[POINTS[number % 4]] + 3 * (number // 4)
        joint, pixels = f"joint{number}", {view: project_through_lens(camera, point[None])[0] for view, camera in cameras.items()}
        for view in names[:2]:
            slip = noise.uniform(15, 60) * _draw_direction(noise) if noise.random() < SLIPS else np.zeros(2)
            page.click(view, (pixels[view] + slip + noise.normal(size=2)).tolist())
            times.append(int(page.run("() => document.body.dataset.latency")))
        for _ in range(len(names)):
            found = page.see()["joints"][joint]
            shown = {view: found["views"].get(view, {}).get("place") or found["projected"][view] for view in names}
            off = {view: float(np.linalg.norm(np.subtract(shown[view], pixels[view]))) for view in names}
            # A click that is off is seen before the crosses that it has moved.
            worst = max(off, key=lambda view: (view in names[:2] and off[view] * page.scale(view) > SEEN, off[view]))
            if off[worst] * page.scale(worst) <= SEEN:
                break
            page.drag(worst, shown[worst], (pixels[worst] + noise.normal(size=2)).tolist())
            corrections += 1
    return times, corrections


def _draw_direction(noise: np.random.Generator) -> np.ndarray:
    angle = noise.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def main() -> None:
    """Measure what the options say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--size", default="1280x1024")
    parser.add_argument("--frames", type=int, default=30)
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    cameras = {
        f"cam{n + 1}": make_camera(f"cam{n + 1}", n * 6.28 / arguments.cameras + 0.1, (width, height)) for n in range(arguments.cameras)
    }
    noise = np.random.default_rng(0)
    ground = np.clip(noise.normal(110, 12, (height // 8 + 1, width // 8 + 1, 3)).repeat(8, 0).repeat(8, 1)[:height, :width], 0, 255).astype(
        np.uint8
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "study"
        folder.mkdir()
        write_study(folder, write_video, cameras, 40, ground)
        command = [sys.executable, "-m", "bkind3d", "label", str(folder), "--no-browser", "--frames", str(arguments.frames)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
            assert server.stdout is not None
            address = next(match[0] for line in server.stdout if (match := re.search(r"http://\S+", line)))
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
            heard: list[str] = []
            page = Page(browser, address, heard)
            for number in range(JOINTS):
                page.add_joint(f"joint{number}")
            page.press("1")
            page.actions, clicks, shown, corrections = 0, [], [], 0
            for index in range(arguments.frames):
                task = page.run("() => state.study.tasks[state.index]")
                times, corrected = label_frame(page, cameras, task["session"], task["frame"], noise)
                clicks, corrections = clicks + times, corrections + corrected
                time.sleep(0.3)  # a person takes longer to label a frame than the next one takes to be decoded
                if index + 1 < arguments.frames:
                    page.press("n")
                    page.wait_for(index + 1)
                    shown.append(int(page.run("() => document.body.dataset.shown")))
            memory = psutil.Process(server.pid).memory_info().rss
            server.terminate()
            browser.close()
    for name, values in (("next frame shown", shown), ("click triangulated and shown", clicks)):
        sys.stdout.write(
            f"{name}: median {np.median(values):.0f} ms, 95 % within {np.percentile(values, 95):.0f} ms, slowest {max(values)} ms\n"
        )
    sys.stdout.write(
        f"memory of the server: {memory / 1e9:.2f} GB; actions: {page.actions}, of which {corrections} correct, "
        f"for {arguments.frames} frames of {JOINTS} joints; said: {heard}\n"
    )


if __name__ == "__main__":
    main()
