"""The report from the page: one file, with its charts in it, and with the token where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import RESULTS
from tests.browser.test_page import violations

TOKEN = "a-secret-of-the-lab"


@pytest.fixture
def decided(lab):
    """Its scene is decided within seconds."""
    lab.post("/api/scenes/recovery")
    lab.wait(lambda state: state["scene"] and state["scene"]["finished"], "the scene is decided", 60)


def saved(page, press):
    with page.expect_download() as download:
        press()
    assert download.value.suggested_filename == "report.md"
    return Path(download.value.path()).read_text()


def test_a_scene_that_is_decided_has_its_report(page, lab, decided):
    button = page.get_by_role("button", name="Report")
    text = saved(page, button.click)
    assert text.startswith("# Recovery")
    assert "## Expected and measured" in text and "](data:image/svg+xml;base64," in text
    assert violations(page) == []
    RESULTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=RESULTS / "report-1920x1080.png")
    lab.reset()
    button.wait_for(state="hidden")


@pytest.mark.long
def test_the_command_palette_and_the_presenters_page_have_it_too(page, lab, decided):
    page.keyboard.press("/")
    page.keyboard.type("report")
    assert saved(page, lambda: page.keyboard.press("Enter")).startswith("# Recovery")
    page.goto(f"{lab.url}/presenter")
    assert saved(page, page.get_by_role("button", name="Report").click).startswith("# Recovery")
    page.screenshot(path=RESULTS / "report-presenter-1920x1080.png")


def test_the_room_has_no_report_and_the_token_is_asked_for(open_page, control_room):
    control_room.start(LAB_TOKEN=TOKEN)
    assert open_page(f"{control_room.url}/view").get_by_role("button", name="Report").count() == 0
    page = open_page(control_room.url)
    page.keyboard.press("/")
    page.keyboard.type("report")
    page.keyboard.press("Enter")
    page.locator("#token").fill(TOKEN)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert Path(download.value.path()).read_text().startswith("# The last minutes of the lab")
