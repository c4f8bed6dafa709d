"""Whatever is to be switched is within reach: on its service in the path, and by a few letters."""

from __future__ import annotations

import pytest

from tests.browser.conftest import WIDE, shoot
from tests.browser.test_page import violations

LAPTOP = {"width": 1366, "height": 768}


def focused(page):
    return page.evaluate("document.activeElement.closest('[data-service]')?.dataset.service")


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_service_of_the_path_opens_its_switches_and_escape_puts_them_back(page, lab, how):
    node = page.locator("#path [data-service=database]")
    node.focus() if how == "Enter" else node.click()
    if how == "Enter":
        page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Switches of database")
    drawer.get_by_role("switch", name="slow query").click()
    lab.wait(lambda state: "slow_query" in state["services"]["database"]["active"]["failure"], "it is on")
    drawer.locator("#database-failure-slow_query.on").wait_for()
    assert page.locator("#database-failure-slow_query").count() == 1
    if how == "click":
        assert violations(page) == []
        shoot(page, "drawer")
    page.keyboard.press("Escape")
    page.wait_for_selector("#switches #database-failure-slow_query.on", state="attached")
    assert page.locator("dialog").count() == 0
    if how == "Enter":
        assert focused(page) == "database"


def test_on_the_stage_a_service_opens_its_switches_by_keyboard(open_page, lab):
    page = open_page()
    page.goto(f"{lab.url}/stage")
    page.locator(".stage-nodes").get_by_role("button", name="database").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Switches of database")
    drawer.get_by_role("switch", name="slow query").click()
    lab.wait(lambda state: "slow_query" in state["services"]["database"]["active"]["failure"], "it is on")
    page.keyboard.press("Escape")
    assert focused(page) == "database"
    assert violations(page) == []


def test_an_instance_opens_its_own(page, lab):
    page.locator("#path [data-instance=api-2]").click()
    page.get_by_role("dialog").get_by_role("switch", name="latency").click()
    lab.wait(lambda state: "latency" in state["services"]["api"]["instances"]["api-2"]["active"]["failure"], "it is on")
    assert "latency" not in lab.state()["services"]["api"]["instances"]["api-1"]["active"]["failure"]


def test_a_few_letters_find_a_switch_and_the_keyboard_does_all(page, lab):
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Command")
    page.keyboard.type("api-2 laten")
    first = page.locator(".palette [role=option]").first
    assert first.text_content() == "Switch on api-2: latency"
    assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert violations(page) == []
    shoot(page, "palette")
    page.keyboard.press("Enter")
    lab.wait(lambda state: "latency" in state["services"]["api"]["instances"]["api-2"]["active"]["failure"], "it is on")
    page.wait_for_selector(".told-one:has-text('api-2: latency is on')")
    page.keyboard.press("Control+k")
    page.keyboard.type("api-2 latency")
    assert page.locator(".palette [role=option]").first.text_content() == "Switch off api-2: latency"
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("retry storm", "Start scene Retry storm"),
        ("7 users", "Traffic: 7 users a second"),
        ("set frontend client", "Set frontend: client"),
        ("reset", "Reset everythingR"),
        ("theme", "Change the theme"),
        ("latncy database", None),
    ],
)
def test_every_command_is_found(page, typed, found):
    page.locator("#rps").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type(typed)
    options = page.locator(".palette [role=option]").all_text_contents()
    assert options[0] == found if found else options


def test_what_nothing_is_called_gets_a_guess(page):
    page.keyboard.press("/")
    page.keyboard.type("ltaency")
    page.get_by_text("Did you mean").wait_for()
    assert "latency" in page.locator(".palette [role=option]").first.text_content()


def test_the_load_is_changed_from_the_palette(page, lab):
    page.keyboard.press("/")
    page.keyboard.type("7 users")
    page.keyboard.press("Enter")
    lab.wait(lambda state: (state["traffic"] or {}).get("rps") == 7, "seven users a second")


def test_the_room_has_neither(open_page, lab):
    view = open_page(f"{lab.url}/view")
    view.keyboard.press("/")
    view.keyboard.press("Control+k")
    view.locator("#path [data-service=database]").click()
    assert view.get_by_role("dialog").count() == 0
    assert view.locator("#path [role=button]").count() == 0


@pytest.mark.parametrize("size", [WIDE, LAPTOP], ids=["1920x1080", "1366x768"])
def test_two_charts_are_on_the_first_screen_while_a_scene_plays(open_page, lab, size):
    page = open_page(size=size)
    page.locator("#glance .uplot canvas").nth(1).wait_for()
    lab.post("/api/scenes/retry_storm")
    page.wait_for_selector(".scene-clock:not([hidden])")
    for chart in page.locator("#glance .chart").all():
        box = chart.bounding_box()
        assert box["y"] + box["height"] <= size["height"] and box["height"] > 100
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


def test_the_font_is_its_own(page):
    page.wait_for_function("document.fonts.status === 'loaded'")
    assert page.evaluate("[...document.fonts].map(({ family, status }) => `${family} ${status}`)") == ["Inter loaded"]
