"""Keys never die: whatever has the focus, R resets, but for a text field, which Enter and Escape leave."""

from __future__ import annotations

import pytest


def resets(page, lab):
    """Press R, and see that it was that."""
    after = lab.last_event()
    page.keyboard.press("r")
    lab.saw("reset: everything off", after, 10)


def test_enter_in_a_field_takes_it_and_leaves_it(page, lab):
    page.fill("#rps", "7")
    page.press("#rps", "Enter")
    page.wait_for_function("() => document.activeElement === document.body")
    lab.wait(lambda state: state["traffic"]["rps"] == 7, "seven users a second")
    resets(page, lab)


def test_what_is_refused_stays_in_its_field_and_escape_leaves_it(page, lab):
    page.fill("#rps", "many")
    page.press("#rps", "Enter")
    page.wait_for_selector("#rps[aria-invalid=true]")
    assert page.input_value("#rps") == "many"
    page.press("#rps", "Escape")
    resets(page, lab)


@pytest.mark.parametrize("focus", ["#target-api", "#api-failure-latency [role=switch]", ".scene-tabs button"])
def test_whatever_else_has_the_focus_r_resets(page, lab, focus):
    page.locator(focus).first.focus()
    resets(page, lab)


def test_an_open_waterfall_makes_way(page, lab):
    page.keyboard.press("w")
    page.wait_for_selector(".told-one:has-text('No test request')")
    page.keyboard.press("t")
    page.locator("button.chip").first.wait_for()
    page.keyboard.press("w")
    page.wait_for_selector("dialog[open] .waterfall")
    resets(page, lab)
    assert page.locator("dialog[open]").count() == 0
