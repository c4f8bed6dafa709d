"""The stage: for a projector, large, on one screen, and with every request on the path."""

from __future__ import annotations

import time

import pytest

from services.common.telemetry.spans import COLUMNS
from tests.browser.conftest import NARROW, WIDE, shoot
from tests.browser.test_page import violations

LAPTOP = {"width": 1366, "height": 768}
SMALLEST_PX, SENTENCE_PX = 24, 50
SMALL_TEXTS = """
(least) => [...document.querySelectorAll("body *")].filter((element) => {
  const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  const box = element.getBoundingClientRect();
  const isSeen = element.checkVisibility({visibilityProperty: true}) && box.width > 2 && box.height > 2;
  return own && isSeen && parseFloat(getComputedStyle(element).fontSize) < least;
}).map((element) => element.outerHTML.slice(0, 90))
"""
CUT = """
() => [...document.querySelectorAll("#stage *, .scene-head *, .status *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return element.checkVisibility() && box.width > 2 && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1);
}).map((element) => element.outerHTML.slice(0, 90))
"""
# How many pixels of each colour the requests have: {"r,g,b": count}.
INK = """
() => {
  const canvas = document.querySelector(".stage-crowd");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = {};
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] === 255) found[data.slice(at, at + 3).join()] = (found[data.slice(at, at + 3).join()] ?? 0) + 1;
  return found;
}
"""
# The colours that are seen until no request is left.
INKS_UNTIL_GONE = f"""
async () => {{
  const seen = {{}};
  for (;;) {{
    const found = ({INK})();
    if (!Object.keys(found).length) return Object.keys(seen).filter((colour) => seen[colour] > 60);
    for (const [colour, count] of Object.entries(found)) seen[colour] = Math.max(seen[colour] ?? 0, count);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
}}
"""
YOUNG, GOOD = "98,189,240", "31,180,135"


def has_ink(page, colour):
    page.wait_for_function(f"() => (({INK})())[{colour!r}] > 60", timeout=15_000)


@pytest.fixture
def stage(open_page, lab):
    return lambda size=WIDE, **options: open_page(f"{lab.url}/stage", size=size, **options)


@pytest.mark.parametrize("size", [WIDE, LAPTOP], ids=["1920", "1366"])
def test_everything_is_large_and_on_one_screen(stage, lab, size):
    page = stage(size)
    lab.post("/api/scenes/full_cascade")
    page.wait_for_selector(".node[data-service=database] .node-tags li")
    page.wait_for_selector(".stage-figure .uplot")
    assert page.evaluate(SMALL_TEXTS, SMALLEST_PX) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")
    assert page.locator(".stage-figure .u-over").bounding_box()["height"] > 0.1 * size["height"]
    sentence = page.locator(".stage-sentence").evaluate("(element) => parseFloat(getComputedStyle(element).fontSize)")
    assert sentence >= SENTENCE_PX
    assert page.locator(".stage-figure").evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)") >= SMALLEST_PX


def test_s_goes_on_stage_and_back_and_a_reload_keeps_to_it(page, lab):
    assert page.locator("#kpis").is_visible() and not page.locator("#stage").is_visible()
    page.keyboard.press("s")
    assert page.locator("#stage").is_visible() and not page.locator("#kpis").is_visible()
    page.reload()
    page.wait_for_selector("#stage .stage-sentence:has-text('users a second')")
    page.keyboard.press("s")
    assert page.locator("#kpis").is_visible() and page.url.rstrip("/") == lab.url


def test_a_request_is_seen_on_its_way_and_back(stage, lab):
    page = stage()
    lab.post("/api/traffic", {"rps": 15})
    page.wait_for_selector(".stage-legend:has-text('Each dot is one request')")
    has_ink(page, YOUNG)
    has_ink(page, GOOD)
    lab.post("/api/traffic", {"rps": 0})
    page.wait_for_function(f"() => Object.keys(({INK})()).length === 0", timeout=15_000)


def test_a_quick_answer_is_shown_longer_and_does_not_age_by_that(stage):
    page = stage()
    began = time.time() + 1
    row = {
        "id": "1",
        "sent_at": began,
        "gives_up_at": began + 0.1,
        "turn_at": began,
        "ended_at": began + 0.02,
        "ok": True,
    }
    spans = {name: [[row[column] for column in COLUMNS]] for name in ("frontend", "api-1", "database")}
    told = {"kept_seconds": 10, "one_in": 1, "columns": COLUMNS}

    def tell(route):
        now = time.time()
        route.fulfill(json={**told, "now": now, "spans": spans if now >= began + 0.1 else {}})

    page.route("**/api/spans", tell)
    has_ink(page, YOUNG)
    assert set(page.evaluate(INKS_UNTIL_GONE)) <= {YOUNG, GOOD}


def test_of_very_many_users_the_page_says_how_many_are_drawn(stage, lab):
    page = stage()
    lab.post("/api/traffic", {"rps": 100})
    page.wait_for_selector(".stage-legend:has-text('One of 4 requests is a dot')")


def test_without_motion_the_requests_are_drawn_where_they_are(stage, lab):
    page = stage(reduced_motion="reduce")
    lab.fail("database", "slow_query")
    has_ink(page, YOUNG)


def test_a_step_is_a_banner_and_the_chart_is_the_scenes(stage, lab):
    page = stage()
    assert page.locator(".stage-figure > .chart h3").inner_text() == "Success of users"
    lab.post("/api/scenes/retry_storm")
    page.wait_for_selector(".stage-figure > .chart h3:has-text('Load of the database')")
    page.wait_for_selector(".node[data-service=api] .node-tags:has-text('3 tries, 500 ms each')")
    page.wait_for_selector(".stage-banner:has-text('queries take three times as long')", timeout=40_000)
    page.wait_for_selector(".node[data-service=database] .node-tags:has-text('query 100 → 300 ms')")
    page.wait_for_selector(
        ".node[data-service=database] .node-waste:has-text('% of its work is for nobody')", timeout=30_000
    )
    page.wait_for_selector(".stage-sentence:has-text('The cause has been gone for')", timeout=30_000)
    assert violations(page) == []
    shoot(page, "stage-retry_storm")


def test_n_starts_the_scene_that_is_shown(stage, lab):
    page = stage()
    page.keyboard.press("2")
    assert page.locator(".scene-head h3").inner_text() == "Memory leak"
    page.keyboard.press("n")
    lab.wait(lambda state: (state["scene"] or {}).get("name") == "memory_leak", "the scene is on")


def test_a_phone_shows_the_stage_one_below_the_other(stage):
    page = stage(NARROW)
    page.wait_for_selector(".node[data-service=database]")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(SMALL_TEXTS, 16) == []
