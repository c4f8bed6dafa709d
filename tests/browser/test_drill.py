"""A drill in the browser: phones that play, pages that keep the secret, and what they all see in the end."""

from __future__ import annotations

import pytest

from services.control_room.drills.cards import deck
from tests.browser.conftest import NARROW, RESULTS, WIDE
from tests.browser.test_page import violations
from tests.conftest import wait_until
from tests.support.labs import success
from tests.support.leaks import leaks

PHONES = 3
# Its fault comes after 15 s; no other test here uses its switch, so that the log has nothing of it from before.
CARD, LEVEL, SEED = "one_connection", 1, 4343
# All that a page shows but the lists that name every switch or every scene.
TOLD = """() => {
  const body = document.body.cloneNode(true);
  body.querySelectorAll('#switches, select, .drill-story, #scenes .scene-tabs').forEach((one) => one.remove());
  const titles = [...body.querySelectorAll('[title], [aria-label]')].map((one) => `${one.title} ${one.ariaLabel}`);
  return `${body.textContent} ${titles.join(' ')}`;
}"""


@pytest.fixture(autouse=True)
def no_drill_before(lab, healthy_before):
    """The reset before each test ends a drill; another one puts away what it was."""
    lab.reset()


def start(lab):
    lab.post("/api/drill", {"action": "start", "level": LEVEL, "seed": SEED})


def struck(lab):
    secret = lambda: lab.json("drill", "show")["drill"]["secret"]  # noqa: E731
    wait_until(lambda: secret()["fault_seconds"] is not None, "the fault comes", 40)
    lab.wait(lambda state: success(state) < 0.95, "users are hurt", 40)


def shoot(page, name):
    RESULTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    page.screenshot(path=RESULTS / f"drill-{name}-{size['width']}x{size['height']}.png")


def presenter(open_page, lab):
    page = open_page(size={"width": 1366, "height": 768})
    page.goto(f"{lab.url}/presenter")
    page.wait_for_selector(".presenter-drill h2")
    return page


def test_phones_play_and_no_page_tells_what_it_is(open_page, lab):
    phones = [open_page(f"{lab.url}/view", size=NARROW) for _ in range(PHONES)]
    pages = {"page": open_page(), "stage": open_page(f"{lab.url}/stage"), "presenter": presenter(open_page, lab)}
    start(lab)
    struck(lab)
    for number, page in enumerate(phones):
        page.locator("#drill-team").fill(f"Team {number % 3 + 1}")
        page.locator("button:has-text('Incident!')").tap()
        page.wait_for_selector(".drill-said:has-text('Noted')")
    first = phones[0]
    assert first.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    assert violations(first) == []
    first.locator("#drill-where").select_option("database")
    first.locator("#drill-what").select_option("hang")
    first.locator("button:has-text('This is it')").tap()
    first.wait_for_selector(".drill-said:has-text('not it')")
    first.locator("#drill-what").select_option("connection_limit")
    first.locator("button:has-text('This is it')").tap()
    first.wait_for_selector(".drill-said:has-text('Right')")
    pages["stage"].wait_for_selector("#drill .drill-state:has-text('diagnosed')")
    for name, page in (pages | {"phone": phones[1]}).items():
        shoot(page, f"running-{name}")
        assert leaks(deck()[CARD], page.evaluate(TOLD)) == [], name
    pages["presenter"].locator("button:has-text('End it')").click()
    for page in (*phones, pages["page"], pages["stage"]):
        page.wait_for_selector("#drill[data-phase=ended]:has-text('lowered the database')")
        assert "Team 1" in page.locator("#drill .drill-board").inner_text()
    for name, page in (pages | {"phone": phones[1]}).items():
        shoot(page, f"ended-{name}")


@pytest.mark.long
def test_the_presenter_starts_one_with_a_key_and_puts_it_away_with_the_same(open_page, lab):
    page = open_page(size=WIDE)
    page.keyboard.press("d")
    page.locator("dialog button:has-text('Level 2')").click()
    page.wait_for_selector("#drill[data-phase=running]")
    assert page.locator("#drill .drill-clock").inner_text()[1] == ":"
    page.locator("#drill button:has-text('End it')").click()
    page.wait_for_selector("#drill[data-phase=ended]")
    page.keyboard.press("d")
    page.wait_for_selector("#drill", state="hidden")


def test_the_presenter_hides_the_board(open_page, lab):
    room, screen = open_page(f"{lab.url}/view", size=NARROW), presenter(open_page, lab)
    screen.locator("button:has-text('Level 1')").click()
    room.wait_for_selector("#drill[data-phase=running]")
    room.locator("#drill-team").fill("<b>Blue</b>")
    room.locator("button:has-text('A hint')").tap()
    room.wait_for_selector(".drill-hints li")
    assert room.locator(".drill-board tbody th").inner_text() == "<b>Blue</b>"
    screen.locator("#drill-board").select_option("hidden")
    room.wait_for_selector("#drill:has-text('The board is hidden')")


@pytest.mark.long
def test_a_phone_plays_by_keyboard_too_and_keeps_its_team_over_a_reload(open_page, lab):
    page = open_page(f"{lab.url}/view", size=NARROW)
    start(lab)
    page.wait_for_selector("#drill[data-phase=running]")
    page.locator("#drill-team").focus()
    page.keyboard.type("Keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first button: an incident
    page.wait_for_selector(".drill-said:not(:empty)")  # right, or a false alarm
    page.reload()
    page.wait_for_selector("#drill[data-phase=running]")
    assert page.locator("#drill-team").input_value() == "Keys"
    assert page.locator("#drill-team").is_disabled()
