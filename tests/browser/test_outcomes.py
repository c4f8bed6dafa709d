"""Two outcomes on the page: one choice, both runs overlaid, and the users that each of them lost."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import shoot
from tests.browser.test_page import violations

SECONDS = [float(second) for second in range(0, 150, 2)]
WITHOUT = {"title": "as it is", "seconds": SECONDS, "success": [1.0] * 10 + [0.0] * 65, "lost": [0] * 75, "total": 2611}
WITH = {
    "title": "with api.retry_budget",
    "seconds": SECONDS[:40],
    "success": [1.0] * 10 + [0.2] * 10 + [1.0] * 20,
    "lost": [0] * 40,
    "total": 187,
}
STORM = {"scene": "retry_storm", "title": "Retry storm", "duration_seconds": 150, "seed": 7, "epoch": 3}


@pytest.fixture
def compared(open_page, lab):
    """A page whose control room tells of a comparison that is in its second run."""

    def compared(path=""):
        page = open_page()
        answer = json.dumps({"comparison": {**STORM, "runs": [WITHOUT, WITH]}})
        page.route("**/api/outcomes", lambda route: route.fulfill(body=answer, content_type="application/json"))
        page.goto(f"{lab.url}{path}")
        page.wait_for_selector(".outcomes .uplot", state="attached")
        return page

    return compared


def test_both_runs_are_laid_over_each_other_and_count_who_is_lost(compared):
    page = compared()
    lost = page.locator("#outcomes .lost")
    assert lost.all_text_contents() == ["2,611users lost as it is", "187users lost with api.retry budget"]
    assert page.locator("#outcomes .chart-series").count() == 2
    assert violations(page) == []
    shoot(page, "outcomes")


def test_on_the_stage_they_are_the_chart(compared):
    page = compared("/stage")
    assert page.locator(".stage-figure .lost").first.is_visible()
    assert not page.locator(".stage-figure > .chart").first.is_visible()
    shoot(page, "outcomes-stage")


def test_c_asks_for_the_defence_and_plays_the_scene(page, lab):
    page.locator("select.scene-tab").select_option("retry_storm")
    page.keyboard.press("c")
    assert violations(page) == []
    page.get_by_role("button", name="retry budget of api").click()
    lab.wait(lambda state: state["scene"], "the scene is on")
    assert [each["name"] for each in lab.state()["scene"]["then_with"]] == ["retry_budget"]
    page.wait_for_selector("#outcomes:not([hidden]) .lost:has-text('users lost as it is')")


def test_another_scene_makes_way(open_page, lab):
    lab.post("/api/scenes/normal")
    page = open_page()
    page.wait_for_selector(".chart .uplot")
    assert not page.locator("#outcomes").is_visible()
