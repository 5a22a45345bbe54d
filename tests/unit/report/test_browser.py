"""The pages in a real browser, opened from disk, without network: every control is used."""

import re
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from bkind3d.data.parquet import write_table
from bkind3d.evaluation.doubts import measure_doubts
from bkind3d.evaluation.health import examine_sessions
from bkind3d.report.pages import write_report, write_session_page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run"]
#: Screenshots stay here, to be looked at.
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; run: make system")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def study(make_toy, tmp_path_factory):
    """A study with its report and a session's page."""
    toy = make_toy(tmp_path_factory.mktemp("study"), n_cameras=3, n_frames=40)
    toy.sessions = {"train1": "train", "test1": "test", "test2": "test"}
    study = toy.write().open()
    write_report(study, toy.results / "report.html", examine_sessions, measure_doubts)
    write_session_page(study, "test1", toy.results / "sessions" / "test1.html", examine_sessions, measure_doubts)
    return toy


@pytest.fixture
def open_page(browser):
    """Opens a page in a browser of its own that is offline; at the end nothing may have been asked for or complained about."""
    contexts, heard = [], []

    def open_one(path, fragment="", width=1200, height=900, scheme="light"):
        context = browser.new_context(offline=True, viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 600)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url) if request.url.split("#")[0] != path.as_uri() else None)
        page.goto(path.as_uri() + fragment)
        return page

    yield open_one
    for context in contexts:
        context.close()
    # Notes of charts on how fast they could read back pixels are no complaint.
    assert [text for text in heard if "willReadFrequently" not in text and "GPU stall" not in text] == []


def keep_screenshot(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def index_of(page):
    return int(page.locator(".player").first.get_attribute("data-index"))


def wait_until(page, expression):
    """As Playwright's own function, which evaluates in the page what its policy forbids."""
    begin = time.monotonic()
    while not page.evaluate(expression):
        assert time.monotonic() - begin < 30, expression
        page.wait_for_timeout(50)


def wait_for(page, index, picture=None):
    sync_api.expect(page.locator(".player").first).to_have_attribute("data-index", str(index))
    if picture is not None:
        sync_api.expect(page.locator(".player").first.locator(".views")).to_have_attribute("data-shown", str(picture))


def count_colours(page, selector):
    """How many different colours a canvas shows."""
    return page.locator(selector).first.evaluate(
        "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )


def test_a_session_is_played(study, open_page):
    page = open_page(study.results / "sessions" / "test1.html")
    wait_for(page, 0, 0)
    assert count_colours(page, ".views") > 50
    assert count_colours(page, ".space") > 10
    page.get_by_label("Moment").fill("17")
    wait_for(page, 17, 17)
    assert page.locator(".player output").inner_text() == "1.70 s, frame 17, rest"
    page.locator(".band").click(position={"x": page.locator(".band").bounding_box()["width"] * 30 / 39, "y": 5})
    wait_for(page, 30, 30)
    assert page.locator(".player output").inner_text() == "3.00 s, frame 30, walk"
    assert count_colours(page, ".band") == 2
    page.get_by_label("Speed").select_option("8")
    page.get_by_role("button", name="Play or pause").click()
    wait_until(page, "document.querySelector('.player').dataset.index != 30")
    assert page.locator(".play").inner_text() == "Pause"
    page.get_by_role("button", name="Play or pause").click()
    # What was asked for before the click is still drawn.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    stopped = index_of(page)
    page.wait_for_timeout(200)
    assert index_of(page) == stopped
    keep_screenshot(page, "session")


def test_every_key_of_the_player(study, open_page):
    page = open_page(study.results / "sessions" / "test1.html")
    wait_for(page, 0, 0)
    # Nothing has the focus: the only player in view gets the keys.
    page.locator(".player").evaluate("figure => figure.scrollIntoView()")
    for key, index in (("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("End", 39), ("Home", 0), ("Shift+ArrowLeft", 0)):
        page.keyboard.press(key)
        wait_for(page, index, index)
    for key, speed in (("+", "2"), ("-", "1"), ("-", "0.5"), ("+", "1")):
        page.keyboard.press(key)
        assert page.get_by_label("Speed").input_value() == speed
    page.keyboard.press(" ")
    wait_until(page, "document.querySelector('.player').dataset.index > 2")
    page.keyboard.press(" ")
    assert page.locator(".play").inner_text() == "Play"
    before = page.locator(".space").screenshot()
    for key in "aws":
        page.keyboard.press(key)
    page.wait_for_timeout(100)
    turned = page.locator(".space").screenshot()
    assert turned != before
    page.keyboard.press("r")
    page.wait_for_timeout(100)
    assert page.locator(".space").screenshot() == before
    page.locator("summary", has_text="Keys").click()
    listed = page.locator(".keys kbd").all_inner_texts()
    assert {"Space", "←", "→", "+", "−", "R", "L"} <= set(listed)


def test_the_skeleton_is_turned_and_its_switches_work(study, open_page):
    page = open_page(study.results / "sessions" / "test1.html")
    wait_for(page, 0, 0)
    space = page.locator(".space")
    space.scroll_into_view_if_needed()
    shown = [space.screenshot()]
    box = space.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def changed():
        page.wait_for_timeout(100)
        shown.append(space.screenshot())
        return shown[-1] != shown[-2]

    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30, steps=4)
    page.mouse.up()
    assert changed()
    page.mouse.wheel(0, -300)
    assert changed()
    for name in ("follow the subject", "names", "annotated joints"):
        page.get_by_label(name).click()
        assert changed(), name
    page.get_by_role("button", name="Reset view").click()
    assert changed()
    views = page.locator(".views").screenshot()
    page.get_by_label("draw into the views").click()
    page.wait_for_timeout(100)
    assert page.locator(".views").screenshot() != views


def test_a_link_leads_to_its_moment(study, open_page):
    path = study.results / "sessions" / "test1.html"
    page = open_page(path, "#t=1.24")
    wait_for(page, 12, 12)
    page.keyboard.press("ArrowRight")
    wait_for(page, 13, 13)
    page.get_by_role("button", name="Copy link").click()
    wait_until(page, "document.querySelector('.said').textContent !== ''")
    assert page.url == f"{path.as_uri()}#t=1.300"
    page.evaluate("location.hash = '#t=2.5'")
    wait_for(page, 25, 25)
    for odd in ("#t=nonsense", "#t=", "#elsewhere"):
        page.evaluate("hash => { location.hash = hash; }", odd)
    page.evaluate("location.hash = '#t=1e9'")
    wait_for(page, 39, 39)


def test_the_report_draws_sorts_and_plays(study, open_page):
    page = open_page(study.results / "report.html")
    page.locator("#learning").scroll_into_view_if_needed()
    page.wait_for_selector("#learning .main-svg")
    assert page.locator("h2").first.inner_text() == "Warnings"
    table = page.locator("#recordings table").first
    title = table.get_by_role("button", name="session", exact=True)
    orders = []
    for _ in range(3):
        title.focus()
        page.keyboard.press("Enter")
        orders.append(table.locator("tbody tr td:first-child").all_inner_texts())
    assert orders == [["test1", "test2", "train1"], ["train1", "test2", "test1"], ["train1", "test1", "test2"]]
    errors = page.locator("#results table").first
    errors.get_by_role("button", name=re.compile("^PA.MPJPE")).first.click()
    assert errors.locator("th[aria-sort=ascending]").count() == 1
    values = [float(text) for text in errors.locator("tbody tr td:nth-child(2)").all_inner_texts()]
    assert values == sorted(values)
    player = page.locator(".player").last
    player.scroll_into_view_if_needed()
    player.locator("input[type=range]").fill("5")
    wait_until(page, "Array.from(document.querySelectorAll('.player')).at(-1).dataset.index == 5")
    player.get_by_role("button", name="Copy link").click()
    wait_until(page, "location.hash.includes('player=')")
    assert page.url.endswith(f"#t=0.500&player={player.get_attribute('id')}")
    for fold in page.locator("summary").all():
        fold.click()
    keep_screenshot(page, "report")


@pytest.mark.parametrize("name", ["report.html", "sessions/test1.html"])
def test_pages_fit_a_phone_and_darkness(study, open_page, name):
    page = open_page(study.results / name, width=390, height=800, scheme="dark")
    wait_for_player = page.locator(".player").first
    wait_for_player.scroll_into_view_if_needed()
    wait_until(page, "document.querySelector('.player').dataset.index !== undefined")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    keep_screenshot(page, f"phone-{Path(name).stem}")
    page.emulate_media(color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_pictures_the_skeleton_still_plays(make_toy, tmp_path, open_page):
    toy = make_toy(tmp_path, settings={"pictures": False})
    path = toy.results / "sessions" / "test1.html"
    write_session_page(toy.write().open(), "test1", path, examine_sessions, measure_doubts)
    page = open_page(path)
    page.get_by_label("Moment").fill("7")
    wait_until(page, "document.querySelector('.player').dataset.index == 7")
    assert page.locator("img, .views").count() == 0
    assert count_colours(page, ".space") > 10
    keep_screenshot(page, "without-pictures")


HOSTILE = (
    '<a href="https://evil.example">x</a>',
    "<img src=x onerror=document.title='harmed'>",
    "</script><script>document.title='harmed'</script>",
)


def test_names_of_strangers_are_text_and_no_script_but_the_pages_runs(make_toy, tmp_path, browser, open_page):
    study = make_toy(tmp_path, n_cameras=2, n_frames=20).write()
    path = study.results / "experiments/tiny/evaluation/joints.parquet"
    errors = pd.read_parquet(path)
    names = dict(zip(errors["joint"].unique(), HOSTILE, strict=False))
    write_table(errors.assign(joint=errors["joint"].map(lambda name: names.get(name, name))), "joint_errors", path)
    table = pd.read_parquet(study.folder / "b.parquet")
    write_table(table.replace({"behaviour": {"rest": HOSTILE[1], "walk": HOSTILE[2]}}), "behaviours", study.folder / "b.parquet")
    write_report(study.open(), study.results / "report.html", examine_sessions, measure_doubts)
    page = open_page(study.results / "report.html")
    title = page.title()
    charts = page.locator("#results .plot").all()
    for chart in charts:
        chart.scroll_into_view_if_needed()
        chart.locator(".main-svg").first.wait_for()
    labels = page.locator("#results .ytick text").all_text_contents()
    assert set(names.values()) <= set(labels)
    assert page.locator("a[href*=evil], img[src=x]").count() == 0 and page.title() == title
    page = browser.new_context(offline=True).new_page()  # what is refused is complained about
    page.goto((study.results / "report.html").as_uri())
    refused = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
            const script = document.createElement("script");
            script.textContent = "document.title = 'harmed'";
            document.head.append(script);
            setTimeout(() => resolve("nothing"), 2000);
        })"""
    )
    assert (refused, page.title()) == ("script-src-elem", title)


def test_the_pose_table_fits_its_page(study, open_page):
    page = open_page(study.results / "report.html")
    wide = page.locator("#results .scroll").first.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert wide[0] <= wide[1]
