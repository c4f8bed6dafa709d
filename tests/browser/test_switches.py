"""Switches in the page: on and off, values refused, expiry, and what two people see of each other."""

from __future__ import annotations

from tests.conftest import wait_until


def test_a_switch_goes_on_and_off_and_everybody_sees_it_within_a_second_or_two(open_page, lab):
    one, two = open_page(), open_page(theme="light")
    switch = "#api-failure-error_rate [role=switch]"
    assert one.locator(switch).get_attribute("aria-checked") == "false"
    one.locator(switch).click()
    two.wait_for_selector(f"{switch}[aria-checked=true]", timeout=2500)
    assert two.locator("#api-failure-error_rate .toggle-word").text_content() == "on"
    assert lab.state()["services"]["api"]["active"]["failure"]["error_rate"]["rate"] == 0.5
    two.locator(switch).click()
    one.wait_for_selector(f"{switch}[aria-checked=false]", timeout=2500)
    assert lab.state()["services"]["api"]["active"]["failure"] == {}


def test_a_value_out_of_range_is_refused_beside_its_field_and_stays_typed(page, lab):
    page.locator("#api-failure-latency summary").click()
    page.fill("#api-failure-latency-probability", "0.5")
    page.fill("#api-failure-latency-delay_seconds", "99")
    page.locator("#api-failure-latency").get_by_role("button", name="Switch on with these").click()
    problem = page.locator("#api-failure-latency-delay_seconds-problem")
    problem.wait_for()
    assert "delay_seconds must be from 0 to 60 s, not 99" in problem.text_content()
    field = page.locator("#api-failure-latency-delay_seconds")
    assert field.get_attribute("aria-invalid") == "true" and field.input_value() == "99"
    assert lab.state()["services"]["api"]["active"]["failure"] == {}
    page.wait_for_timeout(2500)
    assert field.input_value() == "99"
    page.reload()
    page.wait_for_selector(".switch")
    assert field.input_value() == "99" and page.locator("#api-failure-latency-probability").input_value() == "0.5"
    field.fill("abc")
    field.press("Enter")
    problem.wait_for()
    assert "must be a number" in problem.text_content()
    field.fill("0.2")
    field.press("Enter")
    page.wait_for_selector("#api-failure-latency [role=switch][aria-checked=true]")
    assert lab.state()["services"]["api"]["active"]["failure"]["latency"]["delay_seconds"] == 0.2
    assert "delay 0.2 s, probability 0.5" in page.locator("#api-failure-latency .switch-now").text_content()


def test_values_that_do_not_fit_together_name_the_field_at_fault(page):
    page.locator("#database-failure-slow_query summary").click()
    page.fill("#database-failure-slow_query-min_seconds", "9")
    page.locator("#database-failure-slow_query").get_by_role("button", name="Switch on with these").click()
    page.wait_for_selector("#database-failure-slow_query-min_seconds-problem:has-text('at most max_seconds')")


def test_a_switch_with_a_duration_counts_down_and_goes_off_by_itself(page, lab):
    page.locator("#database-failure-error_rate summary").click()
    page.fill("#database-failure-error_rate-duration_seconds", "4")
    page.locator("#database-failure-error_rate").get_by_role("button", name="Switch on with these").click()
    page.wait_for_selector("#database-failure-error_rate .switch-now:has-text('goes off in')")
    page.wait_for_selector("#database-failure-error_rate [role=switch][aria-checked=false]", timeout=8000)
    assert lab.state()["services"]["database"]["active"]["failure"] == {}


def test_a_setting_is_applied_and_put_back(page, lab):
    page.locator("#frontend-setting-client summary").click()
    page.fill("#frontend-setting-client-attempts", "3")
    page.select_option("#frontend-setting-client-backoff", "full_jitter")
    page.locator("#frontend-setting-client").get_by_role("button", name="Apply").click()
    page.wait_for_selector("#frontend-setting-client .toggle-word:has-text('changed')")
    changed = lab.state()["services"]["frontend"]["active"]["setting"]["client"]
    assert (changed["attempts"], changed["backoff"]) == (3, "full_jitter")
    page.locator("#frontend-setting-client").get_by_role("button", name="Back to the default").click()
    page.wait_for_selector("#frontend-setting-client .toggle-word:has-text('default')")
    assert lab.state()["services"]["frontend"]["active"]["setting"] == {}


def test_the_number_of_users_follows_the_field_and_its_buttons(page, lab):
    page.get_by_role("button", name="One user a second more").click()
    wait_until(lambda: lab.state()["traffic"]["rps"] == 5, "5 users a second")
    page.locator("#rps").fill("501")
    page.locator("#rps").press("Enter")
    page.wait_for_selector("#rps-error:has-text('rps must be from 0 to 500')")
    assert page.locator("#rps").input_value() == "501"
    page.locator("#rps").fill("2")
    page.locator("#rps").press("Enter")
    wait_until(lambda: lab.state()["traffic"]["rps"] == 2, "2 users a second")
