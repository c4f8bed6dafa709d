"""The three instances on the page: who is in use, who gets what, and a switch that is set on one of them."""

from __future__ import annotations

from tests.conftest import wait_until


def words(page):
    return page.locator(".instance-word").all_text_contents()


def roles(page):
    return [each.get_attribute("data-role") for each in page.locator(".instance").all()]


def test_the_path_shows_who_is_in_use_who_stands_by_and_the_share_of_each(page, lab):
    wait_until(lambda: roles(page) == ["in_use", "standby", "standby"], "one is in use")
    assert words(page)[1:] == ["standby", "standby"]
    lab.post("/api/services/frontend/settings/upstream", {"active": True, "params": {"replicas": 3}})
    lab.post("/api/traffic", {"rps": 30})
    shares = lambda: [int(word.removesuffix(" %")) for word in words(page) if word.endswith(" %")]  # noqa: E731
    wait_until(lambda: len(shares()) == 3 and all(25 <= share <= 42 for share in shares()), "each gets a third", 30)


def test_a_switch_is_set_on_one_instance_and_the_path_says_on_which(page, lab):
    page.select_option("#target-api", "api-2")
    page.locator("#api-failure-latency [role=switch]").click()
    page.wait_for_selector("#api-failure-latency [role=switch][aria-checked=true]")
    instances = lab.state()["services"]["api"]["instances"]
    assert [list(one["active"]["failure"]) for one in instances.values()] == [[], ["latency"], []]
    page.select_option("#target-api", "api-1")
    page.wait_for_selector("#api-failure-latency [role=switch][aria-checked=false]")
    lab.post("/api/services/frontend/settings/upstream", {"active": True, "params": {"replicas": 2}})
    page.wait_for_selector(".tag.failure:has-text('1 s slower (2)')")


def test_an_ejected_instance_and_one_that_is_down_are_told_apart_by_word_and_line(page, lab):
    lab.post("/api/services/frontend/settings/upstream", {"active": True, "params": {"replicas": 3}})
    lab.post("/api/services/frontend/defences/outlier_ejection", {"active": True, "params": {"base_seconds": 120}})
    lab.fail("api-2", "error_rate", rate=1)
    lab.post("/api/traffic", {"rps": 30})
    wait_until(lambda: words(page)[1] == "ejected", "api-2 is ejected", 20)
    lab.pause("api-3")
    try:
        wait_until(lambda: words(page)[2] == "down", "api-3 is down", 20)
        styles = page.eval_on_selector_all(
            ".instance-box", "boxes => boxes.map((box) => getComputedStyle(box).strokeDasharray)"
        )
        assert len(set(styles)) == 2 and styles[1] != "none"
    finally:
        lab.go_on("api-3")


def test_the_waterfall_names_the_instances(page, lab):
    lab.post("/api/services/frontend/settings/upstream", {"active": True, "params": {"replicas": 3}})
    page.keyboard.press("t")
    page.locator("button.chip").first.click()
    text = page.get_by_role("dialog").text_content()
    assert any(f"call to {name}" in text for name in ("api-1", "api-2", "api-3")), text
