"""/view, the link for the room: everything is shown, and there is nothing to change it with."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, RESULTS, WIDE
from tests.browser.test_page import violations

HARMLESS = {"", "Change the theme", "Full screen", "Help and keys", "Pause", "Copy", "Close", "Try now", "Dismiss"}


@pytest.fixture(params=[WIDE, NARROW], ids=["1920x1080", "390x844"])
def size(request):
    return request.param


@pytest.fixture
def view(open_page, lab, size):
    """The page for the room, and every call that it makes besides reading."""
    page = open_page(f"{lab.url}/view", size=size)
    page.changes = []
    page.on("request", lambda request: request.method == "GET" or page.changes.append(request.url))
    return page


def shoot_here(page, name):
    RESULTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    page.screenshot(path=RESULTS / f"{name}-{size['width']}x{size['height']}.png", full_page=size == NARROW)


def test_there_is_no_control_and_it_says_why_once(view):
    names = view.eval_on_selector_all(
        "button:not([role=tab])",
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.ariaLabel ?? one.innerText)",
    )
    assert {name.strip() for name in names} <= HARMLESS
    assert view.locator("[role=switch], form, #rps, #requests").count() == 0
    assert view.locator(".field input:enabled, .field select:enabled").count() == 0
    assert view.get_by_text("You are watching: the presenter has the controls.").count() == 1
    assert view.evaluate("document.documentElement.scrollWidth") == view.viewport_size["width"]
    for key in "rtn1":
        view.keyboard.press(key)
    view.keyboard.press("Enter")
    view.keyboard.press("?")
    assert view.get_by_role("dialog").get_by_text("Reset everything").count() == 0
    view.keyboard.press("Escape")
    assert view.changes == []


def test_the_room_sees_switches_scenes_charts_and_the_log_as_the_presenter_does(view, lab):
    lab.post("/api/scenes/slow_query")
    view.wait_for_selector(".status-scene:has-text('On stage: Slow queries')", state="attached")
    view.wait_for_selector("#database-failure-slow_query.on .toggle-word:has-text('on')", state="attached")
    view.wait_for_selector(".line:has-text('database: slow_query')")
    view.wait_for_selector(".check[data-outcome=pass]", timeout=30_000)
    assert view.locator(".uplot canvas").count() == 6
    assert violations(view) == []
    shoot_here(view, "view")
    summary = view.locator("#database-failure-slow_query").locator("xpath=ancestor::details").locator("> summary")
    if not view.locator("#database-failure-slow_query").is_visible():
        summary.click()
    view.locator("#database-failure-slow_query summary").click()
    assert view.locator("#database-failure-slow_query-max_seconds").input_value() == "5"
    assert violations(view) == []
    shoot_here(view, "view-switches")
    assert view.changes == []


def test_it_never_asks_for_a_token(open_page, control_room):
    control_room.start(LAB_TOKEN="open sesame")
    page = open_page(f"{control_room.url}/view")
    page.wait_for_selector(".status[data-level=good]")
    page.keyboard.press("r")
    assert page.locator("dialog").count() == 0
    assert "sesame" not in page.content()


def test_the_presenter_finds_the_link_in_the_help(page, lab):
    page.keyboard.press("?")
    link = page.get_by_role("dialog").get_by_role("link").first
    assert link.get_attribute("href") == f"{lab.url}/view"
    shoot_here(page, "help")
