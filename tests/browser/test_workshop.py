"""/presenter leads through a workshop with one key; the stage and the room see nothing of it."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, RESULTS, WIDE
from tests.browser.test_page import violations
from tests.conftest import wait_until

LAPTOP = {"width": 1366, "height": 768}
SIZES = [WIDE, *(pytest.param(size, marks=pytest.mark.long) for size in (LAPTOP, NARROW))]
HOW_FAST = "/api/bets/normal/how_fast"


@pytest.fixture(autouse=True)
def none_is_on(lab, healthy_before):
    yield
    if lab.get("/api/workshop")["workshop"]:
        lab.post("/api/workshop", {"action": "end"})


@pytest.fixture
def presenter(open_page, lab):
    """The presenter's own screen, of a size."""

    def open_presenter(size=WIDE):
        page = open_page(size=size)
        page.goto(f"{lab.url}/presenter")
        page.get_by_role("button", name="Start: A talk, 45 min").wait_for()
        return page

    return open_presenter


def shoot(page, name):
    RESULTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    page.screenshot(path=RESULTS / f"workshop-{name}-{size['width']}x{size['height']}.png")


def next_words(page, words):
    page.locator(f".workshop-next:has-text('{words}')").wait_for()


def press(page, key="n"):
    page.wait_for_timeout(600)  # two presses within half a second are one
    page.keyboard.press(key)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}x{size['height']}")
def test_one_key_does_what_its_button_says_and_the_clock_is_worded_and_coloured(presenter, open_page, lab, size):
    page = presenter(size)
    stage, room = open_page(f"{lab.url}/stage"), open_page(f"{lab.url}/view", size=NARROW)
    page.get_by_role("button", name="Start: A talk, 45 min").click()
    next_words(page, "Next part: What healthy looks like")
    page.locator(".workshop-verdict.good:has-text('on time')").wait_for()
    assert page.locator(".workshop-say li").count() == 2
    press(page)
    next_words(page, "Next: Open the vote")
    page.locator(".workshop-verdict.good:has-text('4 min ahead')").wait_for()
    assert lab.get(HOW_FAST)["phase"] != "open"
    page.locator(".presenter-notes:has-text('Four users a second')").wait_for()
    press(page, "PageDown")
    next_words(page, "Next: Close the vote")
    room.locator("button.bet-option").first.tap()
    press(page, "ArrowLeft")
    next_words(page, "Next: Open the vote")
    assert lab.get(HOW_FAST)["phase"] == "open"
    page.get_by_role("button", name="Skip").click()
    next_words(page, "Next: Close the vote")
    box = page.locator(".workshop-next").bounding_box()
    assert box["height"] >= 44 and box["y"] + box["height"] <= size["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert violations(page) == []
    shoot(page, "vote")
    said = page.locator(".workshop-say li").first.inner_text()
    for screen in (stage, room):
        shown = screen.locator("body").inner_text()
        assert said not in shown and "ahead" not in shown and "What healthy looks like" not in shown


@pytest.mark.long
def test_whoever_is_late_sees_it_and_a_lab_that_is_away_stops_the_clock(presenter, lab):
    page = presenter()
    late = lab.post("/api/workshop", {"action": "start", "name": "talk"})
    late["workshop"]["clock"] |= {"level": "error", "words": "7 min behind", "part_seconds": 660.0, "seconds": 660.0}
    page.route("**/api/workshop", lambda route: route.fulfill(json=late))
    page.locator(".workshop-verdict.error:has-text('7 min behind')").wait_for()
    assert "7:00 beyond the end of this part" in page.locator(".workshop-times").inner_text()
    shoot(page, "late")
    page.unroute("**/api/workshop")
    page.route("**/api/workshop", lambda route: route.abort("connectionrefused"))
    page.locator(".workshop-verdict.unknown:has-text('the clock stands still')").wait_for()


@pytest.mark.long
def test_the_terminal_moves_it_too_and_it_is_ended_after_a_question(presenter, lab):
    page = presenter()
    lab.post("/api/workshop", {"action": "start", "name": "alone"})
    next_words(page, "Next part: Slow queries")
    lab.post("/api/workshop", {"action": "next"})
    next_words(page, "Next: Start the scene: Slow queries")
    press(page)
    wait_until(lambda: (lab.state()["scene"] or {}).get("name") == "slow_query", "the scene is on")
    page.get_by_role("button", name="End …").click()
    page.get_by_role("button", name="End it").click()
    page.get_by_role("button", name="Start: A talk, 45 min").wait_for()
    assert lab.get("/api/workshop") == {"workshop": None}


@pytest.mark.long
def test_the_bet_of_the_part_comes_first_of_its_scenes(presenter, lab):
    page = presenter()
    lab.post("/api/workshop", {"action": "start", "name": "workshop"})
    while skip(lab) != "retry_storm/cure":
        pass
    page.locator(".presenter-bets section").first.filter(has_text="What brings it back").wait_for()


def skip(lab):
    now = lab.post("/api/workshop", {"action": "skip"})["workshop"]
    return now["parts"][now["part"]]["bet"]


def test_two_presses_at_once_are_one_and_what_is_refused_is_said(presenter, lab):
    page = presenter()
    page.get_by_role("button", name="Start: A talk, 45 min").click()
    next_words(page, "Next part: What healthy looks like")
    page.wait_for_timeout(600)
    page.keyboard.press("n")
    page.keyboard.press("n")
    next_words(page, "Next: Open the vote")
    page.wait_for_timeout(600)
    assert lab.get(HOW_FAST)["phase"] != "open"
    refusal = {"title": "Not now", "status": 409, "reason": "not_now", "detail": "drills are not there yet"}
    page.route("**/api/workshop", lambda route: route.fulfill(status=422, json=refusal))
    page.keyboard.press("n")
    page.locator(".told-one:has-text('drills are not there yet')").wait_for()
