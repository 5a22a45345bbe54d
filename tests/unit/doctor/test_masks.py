import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.doctor.studies import MASK_PAGE, examine_study
from bkind3d.survey.room import read_region

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; run: make system")
def test_a_mask_is_painted_taken_back_and_saved_for_the_survey(study_folder: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    _, page = examine_study(study_folder, memory=False)
    assert page is not None
    heard: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        window = browser.new_context(viewport={"width": 1000, "height": 900}, accept_downloads=True).new_page()
        window.on("console", lambda message: heard.append(message.text))
        window.on("pageerror", lambda error: heard.append(str(error)))
        window.on("request", lambda request: heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
        window.goto(page.with_name(MASK_PAGE).as_uri())
        figures = window.locator("figure")
        assert figures.count() == 3
        canvas = figures.nth(1).locator("canvas")
        box = canvas.bounding_box()

        def drag(start: tuple[float, float], end: tuple[float, float], button: str = "left") -> None:
            for index, (x, y) in enumerate((start, end)):
                window.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
                window.mouse.down(button=button) if index == 0 else window.mouse.up(button=button)

        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        drag((0.0, 0.0), (0.5, 0.999))
        drag((0.6, 0.0), (0.9, 0.5))
        figures.nth(1).get_by_text("undo").click()
        box = canvas.bounding_box()
        drag((0.25, 0.5), (0.5, 0.999), "right")
        with window.expect_download() as download:
            figures.nth(1).get_by_text("save").click()
        assert download.value.suggested_filename == "rig_cam2_mask.png"
        download.value.save_as(study_folder / "mask.png")
        browser.close()
    assert heard == []
    mask = cv2.imread(str(study_folder / "mask.png"), cv2.IMREAD_GRAYSCALE)
    region = read_region(study_folder / "mask.png", (192, 144), (192, 144))
    assert mask.shape == (144, 192)
    assert set(np.unique(mask)) <= {0, 255} or (mask > 127).mean() == pytest.approx(region.mean())
    assert region[:, 100:].all() and region[76:140, 52:92].all()
    assert not region[:70, :92].any() and not region[:, :44].any()
