"""The cliff below the charts: a sentence, the lab's load on a slider, and nothing to change for those who watch."""

from __future__ import annotations

from tests.browser.test_page import violations
from tests.conftest import wait_until


def test_the_cliff_says_where_the_scene_recovers_and_its_slider_sets_the_load(page, open_page, lab):
    assert page.locator("#cliff").is_hidden()
    lab.post("/api/scenes/retry_storm")
    page.wait_for_selector("#cliff canvas", timeout=20_000)
    page.wait_for_selector(
        "#cliff-sentence:text-is('At 20 users a second this scene stays down; up to 12 it recovers.')"
    )
    slider = page.get_by_label("Load", exact=True)
    assert slider.bounding_box()["height"] >= 44
    slider.focus()
    page.keyboard.press("Home")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    wait_until(lambda: lab.get("/api/state")["traffic"]["rps"] == 10, "ten users a second", 10)
    page.wait_for_selector(
        "#cliff-sentence:text-is('At 10 users a second this scene recovers; from 14 it stays down.')"
    )
    assert violations(page) == []
    view = open_page(f"{lab.url}/view")
    view.wait_for_selector("#cliff canvas", timeout=20_000)
    assert view.locator("#cliff input").count() == 0
