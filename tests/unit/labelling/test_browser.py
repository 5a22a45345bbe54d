"""The page in a real browser: whole sessions of labelling by mouse, by keyboard alone, stopped and resumed, and in two windows."""

import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bkind3d.geometry.lenses import project_through_lens
from bkind3d.joints.clicks import read_clicks, triangulate_labels
from tests.unit.labelling.conftest import CAMERAS, JOINTS, find_truth

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: How long something may take before it is taken for lost, milliseconds.
PATIENCE_MS = 240_000
#: Screenshots stay here, to be looked at.
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; run: make system")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Page:
    """A window on the page, and what is done in it; `actions` counts clicks and keys."""

    def __init__(self, browser, address, heard, fragment=""):
        self.page = browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
        self.page.set_default_timeout(PATIENCE_MS)  # a busy machine is slow, not wrong
        self.page.on("console", lambda message: heard.append(message.text))
        self.page.on("pageerror", lambda error: heard.append(str(error)))
        self.page.on("request", lambda request: heard.append(request.url) if not request.url.startswith((address, "data:")) else None)
        self.actions = 0
        self.page.goto(address + fragment)
        self.page.wait_for_selector("body[data-index]")

    def wait_for(self, index):
        self.page.wait_for_selector(f"body[data-index='{index}']")

    def press(self, key):
        self.actions += 1
        self.page.keyboard.press(key)

    def run(self, script, *given):
        return self.page.evaluate(script, *given)

    def click(self, camera, pixel):
        """Click at a pixel of a camera's picture, and wait until it is stored."""
        self.actions += 1
        with self.stored():
            self.page.mouse.click(*self.find(camera, pixel))

    def drag(self, camera, start, end):
        """Drag what is at a pixel of a camera's picture to another one, and wait until that is stored."""
        self.actions += 1
        with self.stored():
            self.page.mouse.move(*self.find(camera, start))
            self.page.mouse.down()
            self.page.mouse.move(*self.find(camera, end), steps=3)
            self.page.mouse.up()

    def find(self, camera, pixel):
        """Where on the page a pixel of a camera's picture is."""
        return self.run(
            """([camera, pixel]) => { const view = state.views.find((view) => view.camera === camera), [x, y] = view.place(pixel),
            box = view.canvas.getBoundingClientRect();
            return [box.left + x * box.width / view.canvas.width, box.top + y * box.height / view.canvas.height]; }""",
            [camera, list(pixel)],
        )

    def scale(self, camera):
        """Pixels of the screen that a pixel of a camera's picture takes."""
        return self.run(
            "(camera) => { const view = state.views.find((view) => view.camera === camera); return view.fitted * view.scale; }", camera
        )

    def finish(self):
        """Wait until everything that was asked for is answered and shown."""
        self.run("() => asked.then(() => new Promise((done) => setTimeout(done)))")

    @contextmanager
    def stored(self):
        """What is done in the block is stored, and shown, at its end."""
        before = int(self.run("() => Number(document.body.dataset.stored || 0)"))
        yield
        self.page.wait_for_function("(before) => Number(document.body.dataset.stored || 0) > before", arg=before)

    def add_joint(self, name):
        self.press("j")
        self.page.keyboard.type(name)
        with self.page.expect_response("**/joints"):
            self.press("Enter")
        self.page.wait_for_function("(name) => state.study.joints.includes(name) && document.activeElement === document.body", arg=name)

    def see(self):
        return self.run("() => state.task")


@pytest.fixture
def open_page(browser):
    """Opens windows; at the end the page must not have complained, nor asked for anything of others."""
    heard, pages = [], []

    def open_one(address, fragment=""):
        pages.append(Page(browser, address, heard, fragment))
        return pages[-1]

    yield open_one
    for page in pages:
        page.page.context.close()
    assert heard == [], heard


def find_pixels(work, index, noise=None):
    task = work.tasks[index]
    truth = find_truth(task.session, task.frame)
    shift = np.zeros(2) if noise is None else noise.normal(size=2)
    return {
        joint: {name: (project_through_lens(camera, point[None])[0] + shift).tolist() for name, camera in CAMERAS.items()}
        for joint, point in truth.items()
    }


def test_a_session_of_clicks_becomes_joints(labelled_study, serve, open_page):
    """Two views by hand, the others are accepted where they are right: with 1 px noise, joints are within a unit of the truth."""
    server = serve(labelled_study)
    page, noise = open_page(server.address), np.random.default_rng(0)
    for name in JOINTS:
        page.add_joint(name)
    page.press("1")
    page.actions = 0
    for index in range(3):
        page.wait_for(index)
        pixels = find_pixels(server.work, index, noise)
        for number, joint in enumerate(JOINTS):
            # Chosen by the page, after two views of the one before.
            page.page.wait_for_function("(number) => state.joint === number", arg=number)
            page.click("cam1", pixels[joint]["cam1"])
            lines = page.see()["joints"][joint]["lines"]
            line = np.array([pixel for pixel in lines["cam3"] if pixel])
            assert np.linalg.norm(line - pixels[joint]["cam3"], axis=1).min() < 60
            page.click("cam3", pixels[joint]["cam3"])
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.page.screenshot(path=SCREENSHOTS / f"label-{index}.png")
        page.press("n")
    page.wait_for(3)
    assert page.actions == 3 * (len(JOINTS) * 2 + 1)
    for session in ("s1", "s2"):
        clicks = read_clicks(labelled_study / f"config/labels/{session}.tsv")
        table, remarks = triangulate_labels(clicks, CAMERAS, Path("labels"))
        assert remarks == []
        truth = np.array([find_truth(session, frame)[joint] for frame, joint in zip(table["frame"], table["joint"], strict=True)])
        assert np.linalg.norm(table[["x", "y", "z"]].to_numpy() - truth, axis=1).max() < 2


def test_everything_can_be_done_by_keyboard(labelled_study, serve, open_page):
    server = serve(labelled_study, number=2)
    page = open_page(server.address)
    page.add_joint("nose")
    page.add_joint("tail")
    page.press("ArrowUp")
    pixels = find_pixels(server.work, 0)["nose"]
    for camera in ("cam1", "cam2"):
        page.run("([x, y]) => { state.views[state.camera].cursor = [Math.round(x) - 3, Math.round(y)]; }", pixels[camera])
        for _ in range(3):
            page.press("Alt+ArrowRight")
        with page.stored():
            page.press("Enter")
        page.press("v")
    with page.stored():
        page.press("a")
    page.press("v")
    with page.stored():
        page.press("h")
    found = page.see()["joints"]["nose"]
    assert found["views"]["cam4"] == {"state": "hidden"}
    assert np.linalg.norm(np.array(found["views"]["cam3"]["place"]) - pixels["cam3"]) < 3
    page.press("Tab")
    with page.stored():
        page.press("x")
    assert {view["state"] for view in page.see()["joints"]["tail"]["views"].values()} == {"absent"}
    page.press("Control+z")
    page.page.wait_for_function("() => Object.keys(state.task.joints.tail.views).length === 0")
    for key in ("+", "+", "0", "c", "n"):
        page.press(key)
    page.wait_for(1)
    page.press("p")
    page.wait_for(0)
    with page.stored():
        page.press("Delete")


def test_a_joint_that_is_made_while_the_page_still_loads_stays(labelled_study, serve, open_page):
    server = serve(labelled_study)
    page = open_page(server.address)
    page.finish()
    list_progress, began, may_end = server.work.list_progress, threading.Event(), threading.Event()

    def list_slowly():
        found = list_progress()
        began.set()
        may_end.wait()
        return found

    server.work.list_progress = list_slowly
    page.press("n")
    page.wait_for(1)
    began.wait()
    server.work.list_progress = list_progress
    page.press("j")
    page.page.keyboard.type("nose")
    page.press("Enter")
    may_end.set()
    page.page.wait_for_function("() => state.study.joints.length === 1")
    page.finish()
    assert page.run("() => state.study.joints") == ["nose"]


def test_what_is_dragged_is_corrected_and_the_joint_at_work_stays(labelled_study, serve, open_page):
    """A cross, where other views put a joint, can be dragged like a click."""
    server = serve(labelled_study)
    page = open_page(server.address)
    page.add_joint("nose")
    page.add_joint("tail")
    page.press("1")
    pixels = find_pixels(server.work, 0)["nose"]
    page.click("cam1", pixels["cam1"])
    page.click("cam2", [pixels["cam2"][0] + 12, pixels["cam2"][1] + 5])
    page.page.wait_for_function("() => state.joint === 1")
    page.drag("cam3", page.see()["joints"]["nose"]["projected"]["cam3"], pixels["cam3"])
    page.page.wait_for_function("() => state.joint === 1")
    page.drag("cam2", page.see()["joints"]["nose"]["views"]["cam2"]["place"], pixels["cam2"])
    page.page.wait_for_function("() => state.joint === 1")
    nose = page.see()["joints"]["nose"]
    assert set(nose["views"]) == {"cam1", "cam2", "cam3"} and max(nose["errors"].values()) < 1.5
    assert page.see()["joints"]["tail"]["views"] == {}


def test_what_was_clicked_before_the_server_was_killed_is_there_again(labelled_study, serve, open_page):
    server = serve(labelled_study)
    page = open_page(server.address)
    page.add_joint("nose")
    page.click("cam1", find_pixels(server.work, 0)["nose"]["cam1"])
    page.click("cam2", find_pixels(server.work, 0)["nose"]["cam2"])
    tasks = server.work.tasks
    page.page.goto("about:blank")
    server.stop()
    again = serve(labelled_study)
    assert again.work.tasks == tasks
    page = open_page(again.address)
    page.wait_for(1)  # the first frame without labels
    page.press("p")
    page.wait_for(0)
    assert set(page.see()["joints"]["nose"]["views"]) == {"cam1", "cam2"}


def test_two_windows_do_not_overwrite_each_other(labelled_study, serve, open_page):
    server = serve(labelled_study)
    first = open_page(server.address)
    first.add_joint("nose")
    second = open_page(server.address, "#0")
    pixels = find_pixels(server.work, 0)["nose"]
    first.click("cam1", pixels["cam1"])
    second.click("cam2", pixels["cam2"])
    first.click("cam3", pixels["cam3"])
    assert set(first.see()["joints"]["nose"]["views"]) == {"cam1", "cam2", "cam3"}


def test_clicks_that_contradict_are_said_where_they_are(labelled_study, serve, open_page):
    server = serve(labelled_study)
    page = open_page(server.address)
    page.add_joint("nose")
    pixels = find_pixels(server.work, 0)["nose"]
    page.click("cam1", pixels["cam1"])
    page.click("cam2", pixels["cam2"])
    page.click("cam3", [pixels["cam3"][0] + 90, pixels["cam3"][1] - 60])
    assert "contradicts the other views" in page.page.inner_text("#said")
