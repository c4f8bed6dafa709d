"""The link for the room: Q shows it as a code, or says why there is none."""

from __future__ import annotations

import pytest

from tests.browser.conftest import shoot
from tests.browser.test_page import violations
from tests.conftest import wait_until


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_q_shows_the_code_and_the_address_below_it(open_page, control_room, theme):
    control_room.start(LAB_BIND="0.0.0.0", LAB_ADDRESS="192.168.1.7", LAB_TOKEN="open sesame", LAB_PORT="8180")
    page = open_page(control_room.url, theme=theme)
    page.keyboard.press("q")
    dialog = page.get_by_role("dialog")
    code = dialog.get_by_role("img", name="QR code of http://192.168.1.7:8180/view")
    code.wait_for()
    wait_until(lambda: code.evaluate("image => image.naturalWidth") > 0, "the code is drawn")
    assert code.bounding_box()["height"] >= 500
    assert dialog.get_by_role("link").inner_text() == "http://192.168.1.7:8180/view"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.link-code')).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert violations(page) == []
    shoot(page, f"link-{theme}")


def test_a_lab_of_this_machine_alone_says_so_instead(page):
    page.keyboard.press("q")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("on 127.0.0.1 alone, which no phone reaches").wait_for()
    assert dialog.locator("img").count() == 0
