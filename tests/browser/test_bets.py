"""Bets in the browser: the presenter's keys, a room of phones, and the presenter's own screen."""

from __future__ import annotations

import time

import pytest

from tests.browser.conftest import NARROW, RESULTS, WIDE
from tests.browser.test_page import violations
from tests.conftest import wait_until

PHONES = 12
LAPTOP = {"width": 1366, "height": 768}
SIZES = [WIDE, *(pytest.param(size, marks=pytest.mark.long) for size in (LAPTOP, NARROW))]
SOON_MS = 1500  # until all phones press: they must know of it before
STORM = "/api/bets/retry_storm/after_it"
RECOVERY = "/api/bets/recovery/how_long"  # its scene is decided at once


@pytest.fixture(autouse=True)
def nothing_before_the_room(lab, healthy_before):
    """Another scene puts the bet of the test before away."""
    lab.post("/api/scenes/normal")
    lab.reset()


def phone(open_page, lab):
    return open_page(f"{lab.url}/view", size=NARROW)


def press_at(page, moment_ms, letter):
    """Let a phone press an option at a moment: no test can press twelve phones at once by itself."""
    page.evaluate(
        "([moment, letter]) => { setTimeout(() => [...document.querySelectorAll('button.bet-option')]"
        ".find((one) => one.innerText.startsWith(letter)).click(), moment - Date.now()); }",
        [moment_ms, letter],
    )


def shoot(page, name):
    RESULTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    page.screenshot(path=RESULTS / f"bet-{name}-{size['width']}x{size['height']}.png")


def counts(page):
    return [text.strip() for text in page.locator("#bets .bet-counts").all_inner_texts()]


def test_twelve_phones_vote_at_once_and_none_sees_a_count_before_it_is_closed(open_page, lab):
    phones = [phone(open_page, lab) for _ in range(PHONES)]
    assert phones[0].locator("#bets").is_hidden()
    lab.post(STORM, {"action": "open"})
    for page in phones:
        page.wait_for_selector("button.bet-option")
    moment = time.time() * 1000 + SOON_MS
    for number, page in enumerate(phones):
        press_at(page, moment, "ABC"[number % 3])
    for page in phones:
        page.wait_for_selector("button.bet-option[aria-pressed=true]:has-text('your vote')")
        assert counts(page) == ["", "", ""]
    shoot(phones[0], "voted")
    lab.post(STORM, {"action": "close"})
    for page in phones:
        page.wait_for_selector("#bets[data-phase=closed]")
        assert counts(page) == ["4", "4", "4"]
        assert page.locator("button.bet-option").count() == 0


def test_a_phone_has_large_buttons_and_may_change_its_vote(open_page, lab):
    page = phone(open_page, lab)
    page.evaluate("scrollTo(0, 2000)")
    lab.post(STORM, {"action": "open"})
    page.wait_for_selector("button.bet-option")
    page.wait_for_function("scrollY === 0")
    for option in page.locator("button.bet-option").all():
        box = option.bounding_box()
        assert box["height"] >= 64 and box["width"] > 300
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    assert violations(page) == []
    shoot(page, "open")
    for letter in "AC":
        page.locator(f"button.bet-option:has(.bet-letter:text-is('{letter}'))").tap()
        page.wait_for_selector(f"button.bet-option[aria-pressed=true] .bet-letter:text-is('{letter}')")
    page.reload()
    page.wait_for_selector("button.bet-option[aria-pressed=true] .bet-letter:text-is('C')")
    assert lab.post(STORM, {"action": "close"})["counts"] == [{"all": 0, "half": 0, "none": 1}]


def test_the_room_votes_again_after_it_has_talked(open_page, lab):
    page = phone(open_page, lab)
    for letter in "AC":
        lab.post(STORM, {"action": "open"})
        page.locator("button.bet-option[aria-pressed=false]").first.wait_for()
        page.locator(f"button.bet-option:has(.bet-letter:text-is('{letter}'))").tap()
        page.wait_for_selector("button.bet-option[aria-pressed=true]")
        lab.post(STORM, {"action": "close"})
        page.wait_for_selector("#bets[data-phase=closed]")
    assert counts(page) == ["1 → 0", "0 → 0", "0 → 1"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}x{size['height']}")
def test_the_presenter_does_it_all_with_two_keys(open_page, lab, size):
    page = open_page(size=size)
    room = phone(open_page, lab)
    page.keyboard.press("5")
    page.wait_for_selector("#scene-title:has-text('Recovery')")
    page.keyboard.press("b")
    page.wait_for_selector("#bets[data-phase=open] .bet-words:has-text('/view')")
    assert counts(page) == ["", "", ""] and page.locator("button.bet-option").count() == 0
    room.locator("button.bet-option").first.tap()
    room.wait_for_selector("button.bet-option[aria-pressed=true]")
    shoot(page, "presenter-open")
    page.keyboard.press("b")
    page.wait_for_selector("#bets[data-phase=closed]")
    assert counts(page) == ["1", "0", "0"]
    shoot(page, "presenter-closed")
    page.keyboard.press("b")
    page.wait_for_selector(".told-one:has-text('start the scene, then B reveals')")
    page.keyboard.press("n")
    page.wait_for_selector("#bets.deciding .bet-words:has-text('The lab decides now')")
    assert page.locator("#bets .right").count() == 0
    wait_until(lambda: lab.get(RECOVERY)["right"] == ["seconds"], "the lab has decided")
    page.keyboard.press("b")
    for one in (page, room):
        one.wait_for_selector("#bets[data-phase=revealed] .bet-option.right:has-text('3 s at most')")
        assert counts(one) == ["1", "0", "0"]
        assert "at most 3 s" in one.locator(".bet-results").inner_text()
        assert violations(one) == []
    shoot(page, "presenter-revealed")
    shoot(room, "revealed")
    page.keyboard.press("b")
    page.wait_for_selector("#bets", state="hidden")


def test_on_stage_the_bet_fills_the_screen_and_makes_way_for_the_scene(open_page, lab):
    page = open_page(f"{lab.url}/stage")
    lab.post(RECOVERY, {"action": "open"})
    page.wait_for_selector("#bets[data-phase=open]", state="visible")
    box = page.locator("#bets").bounding_box()
    assert box["width"] == WIDE["width"] and box["height"] > 900
    small = page.eval_on_selector_all(
        "#bets *",
        "all => all.filter((one) => parseFloat(getComputedStyle(one).fontSize) < 24).map((one) => one.className)",
    )
    assert small == []
    shoot(page, "stage-open")
    lab.post("/api/scenes/recovery")
    page.wait_for_selector("#bets", state="hidden")
    lab.post(RECOVERY, {"action": "reveal"})
    page.wait_for_selector("#bets[data-phase=revealed] .right", state="visible")
    shoot(page, "stage-revealed")


def test_a_vote_needs_no_token_and_the_presenters_screen_does(open_page, control_room):
    control_room.start(LAB_TOKEN="open sesame")
    page = open_page(f"{control_room.url}/")
    room = open_page(f"{control_room.url}/view", size=NARROW)
    page.keyboard.press("b")
    page.fill("#token", "open sesame")
    page.get_by_role("button", name="Use this token").click()
    room.locator("button.bet-option").first.tap()
    room.wait_for_selector("button.bet-option[aria-pressed=true]")
    own = page.context.new_page()
    own.goto(f"{control_room.url}/presenter")
    own.fill("#token", "open sesame")
    own.get_by_role("button", name="Use this token").click()
    own.wait_for_selector(".bet-words:has-text('The room votes: 1 vote')")
    assert "sesame" not in own.content()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}x{size['height']}")
def test_the_presenters_screen_has_notes_the_next_step_and_the_votes(open_page, lab, size):
    page = open_page(size=size)
    page.goto(f"{lab.url}/presenter")
    room = phone(open_page, lab)
    page.get_by_label("Notes of").select_option("retry_storm")
    page.get_by_text("Try the room's cures").wait_for()
    first = page.locator("section.bets").first
    first.get_by_role("button", name="Open the vote").click()
    room.locator("button.bet-option").nth(1).tap()
    first.locator(".bet-words:has-text('The room votes: 1 vote')").wait_for()
    assert first.locator(".bet-counts").all_inner_texts() == ["0", "1", "0"]
    assert violations(page) == []
    shoot(page, "own-screen")
    lab.post("/api/scenes/retry_storm")
    page.wait_for_selector(".presenter-next:has-text('The trigger: queries take three times as long')")
    first.locator(".bet-words:has-text('The vote is closed')").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
