"""The story is told as it happens: no step, expectation or cure before its time, unless the presenter looks."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import shoot
from tests.browser.test_page import violations
from tests.conftest import wait_until

CURES = ("budget", "jitter")
TRIGGER = "queries take three times as long"


def told(page):
    """Everything that the scenes' panel holds, shown or not."""
    return page.locator("#scenes .scene").text_content().lower()


@pytest.fixture
def storm(page):
    """The page with the retry storm on show."""
    page.locator("select.scene-tab").select_option("retry_storm")
    return page


def test_before_the_start_there_is_the_question_and_no_answer(storm):
    assert "three times in all" in told(storm) and "what keeps it down" in told(storm)
    assert not storm.locator(".checks").is_visible()
    storm.keyboard.press("e")
    storm.get_by_text("A retry budget does: success").wait_for()
    shoot(storm, "story-expected")
    storm.keyboard.press("e")
    assert not storm.locator(".checks").is_visible()


def test_steps_and_expectations_are_told_when_they_come(storm, lab):
    storm.get_by_role("button", name="Start scene").click()
    storm.wait_for_selector(".scene-clock:not([hidden])")
    rows = storm.locator(".check-text")
    assert rows.all_text_contents() == ["…"] * 5
    assert not [cure for cure in CURES if cure in told(storm) or cure in str(lab.state()["scene"])]
    storm.get_by_text("Before the trigger, every request succeeds").wait_for(timeout=15_000)
    assert TRIGGER not in storm.locator(".scene-steps").text_content().lower()
    storm.locator(".scene-steps li", has_text=TRIGGER).wait_for(timeout=30_000)
    assert re.fullmatch(r"0:2\d", storm.locator(".scene-steps li b").text_content())
    assert rows.all_text_contents()[1:] == ["…"] * 4
    assert not [cure for cure in CURES if cure in told(storm) or cure in str(lab.state()["scene"])]
    assert violations(storm) == []
    shoot(storm, "story-told")
    storm.keyboard.press("e")
    storm.get_by_text("A retry budget does: success").wait_for()


def test_the_presenter_sends_the_requests_of_the_leak(page, lab):
    page.get_by_role("tab", name="Memory leak").click()
    page.get_by_role("button", name="Start scene").click()
    page.get_by_role("button", name="Request 1 of 12").wait_for()
    stood_at = lab.state()["scene"]["elapsed_seconds"]
    for number in range(1, 13):
        page.get_by_role("button", name=f"Request {number} of 12").wait_for()
        if number == 3:
            shoot(page, "story-waits")
        page.keyboard.press("t") if number % 2 else page.locator(".scene-head button:visible").first.click()
        wait_until(lambda n=number: len(lab.state()["scene"]["requests_seconds"]) == n, f"request {number} counts")
        assert lab.state()["scene"]["elapsed_seconds"] < stood_at + 2
    page.locator(".scene-steps li", has_text="One user a second").wait_for()
    assert len(lab.state()["scene"]["requests_seconds"]) == 12
    page.locator(".check", has_text="The first request is fast").wait_for()
