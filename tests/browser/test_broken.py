"""The page while something is broken: it says so, pretends nothing, and comes back."""

from __future__ import annotations

from tests.browser.conftest import shoot
from tests.conftest import wait_until

IDS = "() => [...document.querySelectorAll('.line')].map((line) => Number(line.dataset.id))"


def test_the_control_room_is_killed_and_comes_back(open_page, control_room):
    control_room.start()
    page = open_page(control_room.url)
    page.wait_for_selector(".line:has-text('the control room is open')")
    before = page.evaluate(IDS)
    control_room.kill()
    page.wait_for_selector(".banner:not([hidden]):has-text('The control room does not answer')", timeout=15_000)
    assert page.locator(".light-word").text_content() == "UNKNOWN"
    page.get_by_role("button", name="Test single request").click()
    page.wait_for_selector(".told-one:has-text('does not answer')")
    page.wait_for_selector(".log-state:has-text('not live')")
    shoot(page, "control-room-gone")
    control_room.start()
    page.wait_for_selector(".banner", state="hidden", timeout=20_000)
    wait_until(lambda: page.locator(".light-word").text_content() != "UNKNOWN", "the status is known again")
    page.wait_for_selector(".log-state:has-text('live'):not(:has-text('not live'))", timeout=20_000)
    wait_until(lambda: len(page.evaluate(IDS)) > len(before), "the new lines are there", 15)
    after = page.evaluate(IDS)
    assert after == sorted(set(after), reverse=True)
    assert set(before) < set(after)


def test_the_log_is_complete_after_the_connection_was_lost(page, lab):
    page.wait_for_selector(".log-state:has-text('live')")
    page.context.set_offline(True)
    for rate in (0.1, 0.2, 0.3):
        after = lab.last_event()
        lab.fail("api", "error_rate", rate=rate)
        lab.saw(f"rate {rate:g}", after)
    page.wait_for_selector(".banner:not([hidden])", timeout=15_000)
    page.context.set_offline(False)
    page.wait_for_selector(".banner", state="hidden", timeout=20_000)
    wait_until(lambda: "rate 0.3" in page.locator(".log-lines").text_content(), "the lines of before are there", 30)
    shown = page.evaluate(IDS)
    known = [event["id"] for event in lab.events() if event["id"] <= shown[0]]
    assert shown[::-1] == known[-300:]


def test_where_no_stream_is_left_the_log_comes_by_polling(open_page, lab):
    page = open_page()
    page.route(
        "**/api/events*",
        lambda route: (
            route.fulfill(status=503, body="{}")
            if "text/event-stream" in route.request.headers.get("accept", "")
            else route.continue_()
        ),
    )
    page.reload()
    page.wait_for_selector(".log-state:has-text('by polling')")
    lab.fail("database", "error_rate", rate=0.4)
    page.wait_for_selector(".line:has-text('rate 0.4')")
    shown = page.evaluate(IDS)
    assert len(shown) == len(set(shown))
    page.unroute_all(behavior="ignoreErrors")


def test_a_service_that_does_not_answer_is_said_to(page, lab):
    lab.fail("api", "crash")
    page.wait_for_selector(".line:has-text('api-1: crashed, and restarted')", timeout=20_000)
    lab.heal("api", "crash")


def test_a_token_is_asked_for_once_and_kept_out_of_the_address(open_page, control_room):
    control_room.start(LAB_TOKEN="open sesame")
    page = open_page(control_room.url)
    page.wait_for_selector(".status[data-level=good]")
    page.get_by_role("button", name="One user a second more").click()
    dialog = page.get_by_role("dialog", name="A token is needed")
    dialog.wait_for()
    shoot(page, "token")
    page.fill("#token", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog:has-text('That token is not')")
    page.fill("#token", "open sesame")
    page.keyboard.press("Enter")
    wait_until(lambda: control_room.state()["traffic"]["rps"] == 5, "the change was made")
    page.get_by_role("button", name="One user a second fewer").click()
    wait_until(lambda: control_room.state()["traffic"]["rps"] == 4, "the token was kept")
    assert page.locator("dialog").count() == 0
    assert "sesame" not in page.url and page.evaluate("localStorage.length") == 0


def test_the_log_is_paused_filtered_and_gone_on_with(page, lab):
    page.wait_for_selector(".line")
    page.get_by_role("button", name="Pause").click()
    before = page.evaluate(IDS)
    after = lab.last_event()
    lab.fail("api", "error_rate", rate=0.7)
    lab.saw("rate 0.7", after)
    page.wait_for_selector("button:has-text('Go on (')")
    assert page.evaluate(IDS) == before
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector(".line:has-text('rate 0.7')")
    page.get_by_label("Lines to show").select_option("warning")
    levels = page.evaluate("[...document.querySelectorAll('.line')].map((line) => line.dataset.level)")
    assert levels and set(levels) <= {"warning", "error"}
    page.get_by_label("Filter by text").fill("no such words")
    assert page.locator(".line").count() == 0
