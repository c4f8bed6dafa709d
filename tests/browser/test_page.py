"""The page as a whole: what it loads, what it allows, and how it looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import NARROW, shoot
from tests.conftest import wait_until

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()


def violations(page: Any) -> list[str]:
    page.evaluate(AXE)
    result = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in result["violations"]]


def test_it_is_small_and_quick_and_asks_nobody_else(open_page, lab):
    page = open_page()
    page.wait_for_selector(".uplot")
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map((entry) => [entry.name, entry.transferSize])"
    )
    assert all(name.startswith(lab.url) for name, _ in loaded)
    assert sum(size for name, size in loaded if "/api/" not in name) < 220_000
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 2000


def test_only_its_own_files_may_run_and_nobody_may_frame_it(page):
    answer = page.request.get(page.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "<script>" not in answer.text() and "style=" not in answer.text()


def test_the_embedded_page_has_no_charts(open_page, lab):
    page = open_page(f"{lab.url}/embed")
    assert page.locator("#charts").count() == 0
    assert page.locator(".switch").count() > 20


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.long)])
def test_axe_finds_no_violation(open_page, lab, theme):
    page = open_page(theme=theme)
    page.wait_for_selector(".uplot")
    page.locator("#frontend-setting-client summary").click()
    assert violations(page) == []
    shoot(page, f"calm-{theme}")
    lab.fail("api", "error_rate", rate=0.6)
    page.get_by_role("button", name="Test single request").click()
    page.wait_for_selector(".status[data-level=error]", timeout=20_000)
    page.wait_for_selector("button.chip")
    page.wait_for_timeout(600)
    assert violations(page) == []
    shoot(page, f"errors-{theme}")
    page.locator("button.chip").first.click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.set_viewport_size(NARROW)
    page.wait_for_timeout(500)
    assert violations(page) == []


def test_the_top_fits_a_stage_screen_even_with_the_longest_scene(page):
    page.get_by_role("tab", name="Memory leak").click()
    page.get_by_role("button", name="Start scene").click()
    page.wait_for_selector(".scene-clock:not([hidden])")
    page.wait_for_timeout(1500)
    for part in ("#kpis", "#path", "#scenes", ".check:last-child", "#log"):
        box = page.locator(part).last.bounding_box()
        assert box["y"] + box["height"] <= 1080, f"{part} ends at {box['y'] + box['height']:.0f}"
    assert page.evaluate("document.documentElement.scrollWidth") == 1920


def test_no_text_is_smaller_than_14_px_on_a_stage_screen(page):
    small = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter((element) => {
            const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!hasText || !element.checkVisibility()) return false;
            const svg = element.closest('svg');
            const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
            return parseFloat(getComputedStyle(element).fontSize) * scale < 14;
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_on_a_phone_nothing_overflows_and_every_button_fits_a_thumb(open_page):
    page = open_page(size=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    narrow = page.evaluate(
        """() => [...document.querySelectorAll('button, summary, select, input')].filter((e) => e.checkVisibility())
            .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 90)])
            .filter(([box]) => box.height < 44 || box.width < 44)
            .map(([box, html]) => `${box.width}x${box.height} ${html}`)"""
    )
    assert narrow == []
    page.mouse.wheel(0, 3000)
    page.wait_for_timeout(300)
    assert page.get_by_role("button", name="Reset").is_visible()
    assert page.locator(".status").bounding_box()["y"] == 0


def test_where_motion_is_not_wanted_nothing_moves(open_page):
    page = open_page(reduced_motion="reduce")
    page.wait_for_timeout(2500)
    assert page.locator(".chain .dot").count() == 0
    assert "/s" in page.locator(".edge-rate").first.text_content()


def test_the_path_shows_the_rates_that_the_control_room_computed(open_page):
    page = open_page()

    def forge(route: Any) -> None:
        answer = route.fetch()
        state = answer.json()
        for service, rps in (("traffic", 4.0), ("frontend", 11.9), ("api", 31.2)):
            state["services"][service]["calls"]["rps"] = rps
        route.fulfill(response=answer, json=state)

    page.route("**/api/state", forge)
    rates = page.locator(".edge-rate")
    wait_until(lambda: rates.all_text_contents() == ["4/s", "12/s", "31/s"], "each arrow has its rate")
    page.unroute_all(behavior="ignoreErrors")


def test_what_a_service_says_is_text_and_never_html(open_page, lab):
    page = open_page()
    evil = "<img src=x onerror=alert(1)><b>bold</b>"

    def forge(route: Any) -> None:
        answer = route.fetch()
        state = answer.json()
        state["reasons"] = [evil]
        route.fulfill(response=answer, json=state)

    page.route("**/api/state", forge)
    page.wait_for_selector(".status-reasons:has-text('<img')")
    assert page.locator(".status-reasons img, .status-reasons b").count() == 0
    page.unroute_all(behavior="ignoreErrors")


def test_keys_act_but_never_while_something_is_typed(page):
    page.keyboard.press("t")
    page.wait_for_selector("button.chip.good")
    page.locator("#rps").fill("4")
    page.locator("#rps").press("t")
    page.locator("#rps").press("?")
    assert page.locator("dialog").count() == 0
    page.locator("#rps").press("Escape")
    page.wait_for_timeout(500)
    assert page.locator(".chip").count() == 1
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("Keys for the stage").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0
    page.keyboard.press("3")
    assert page.get_by_role("tab", name="Slow queries").get_attribute("aria-selected") == "true"
    page.keyboard.press("n")
    page.wait_for_selector(".status-scene:has-text('On stage: Slow queries')")
    page.keyboard.press("n")
    assert page.get_by_role("tab", name="Full cascade").get_attribute("aria-selected") == "true"
    page.keyboard.press("r")
    page.wait_for_selector(".told-one:has-text('Reset: GREEN')")
    page.wait_for_selector(".status-scene:has-text('No scene')")


def test_charts_draw_with_marks_where_switches_changed(page, lab):
    lab.fail("api", "latency", delay_seconds=0.2)
    page.wait_for_selector(".uplot canvas")
    history = page.request.get(f"{lab.url}/api/history").json()
    assert history["columns"][0] == "time" and len(history["points"]) <= 300
    marks = lambda: [mark["text"] for mark in lab.get("/api/history")["marks"]]  # noqa: E731
    wait_until(lambda: "api latency on" in marks(), "the mark of the switch")
    assert page.locator(".uplot canvas").count() == 6
    last = history["points"][-1][0]
    later = page.request.get(f"{lab.url}/api/history?after={last}").json()
    assert all(point[0] > last for point in later["points"])
