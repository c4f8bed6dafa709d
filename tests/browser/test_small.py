"""The room's phones and Grafana's small frame: everything is there, in little room, and nothing lies over anything."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, RESULTS, WIDE
from tests.browser.test_page import violations
from tests.conftest import wait_until

LYING = {"width": 844, "height": 390}
FRAME = {"width": 600, "height": 500}
SCREENS = 3
# Pairs of texts that lie over each other; what is clipped away, or for screen readers alone, lies nowhere.
OVERPRINTS = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [node, parent] = [walker.currentNode, walker.currentNode.parentElement];
    if (!node.data.trim() || !parent.checkVisibility() || parent.closest('.sr, .skip')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, top, right, bottom } of range.getClientRects()) {
      const box = [left, top, right, bottom];
      for (let at = parent; at !== document.body; at = at.parentElement) {
        if (getComputedStyle(at).overflow === 'visible') continue;
        const clip = at.getBoundingClientRect();
        [box[0], box[1]] = [Math.max(box[0], clip.left), Math.max(box[1], clip.top)];
        [box[2], box[3]] = [Math.min(box[2], clip.right), Math.min(box[3], clip.bottom)];
      }
      if (box[2] - box[0] > 3 && box[3] - box[1] > 6) texts.push([node, box]);
    }
  }
  const shared = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
  const over = ([one, a], [two, b]) => one !== two && shared(a, b, 0, 2) > 3 && shared(a, b, 1, 3) > 6;
  const pairs = texts.flatMap((one, at) => texts.slice(at + 1).map((two) => [one, two]));
  return pairs.filter(([one, two]) => over(one, two)).map((pair) => pair.map(([node]) => node.data).join(' | '));
}"""


def shoot_here(page, name):
    RESULTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    page.screenshot(path=RESULTS / f"{name}-{size['width']}x{size['height']}.png", full_page=True)


@pytest.mark.parametrize("scene", ["memory_leak", pytest.param("full_cascade", marks=pytest.mark.long)])
@pytest.mark.parametrize("size", [NARROW, LYING], ids=["390x844", "844x390"])
def test_on_a_phone_the_room_sees_all_of_it_on_three_screens(open_page, lab, size, scene):
    lab.post(f"/api/scenes/{scene}")
    page = open_page(f"{lab.url}/view", size=size)
    page.wait_for_selector(".scene-clock:not([hidden])")
    page.wait_for_selector(".uplot")
    page.wait_for_selector(".check[data-outcome=pass]", timeout=40_000)
    shoot_here(page, f"phone-{scene}")
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREENS * size["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert page.locator(".status").bounding_box()["height"] <= 56
    assert page.evaluate(OVERPRINTS) == []
    assert violations(page) == []


@pytest.mark.parametrize("size", [NARROW, LYING], ids=["390x844", "844x390"])
def test_every_chart_is_a_swipe_away(open_page, lab, size):
    page = open_page(f"{lab.url}/view", size=size)
    page.wait_for_selector(".uplot")
    charts = page.locator(".chart")
    assert charts.count() == 6
    charts.last.scroll_into_view_if_needed()
    last = "document.querySelector('.chart:last-child').getBoundingClientRect().right <= innerWidth"
    wait_until(lambda: page.evaluate(last), "the last chart is in sight")


def test_a_small_frame_has_status_scenes_what_is_on_and_reset_without_scrolling(open_page, lab):
    page = open_page(f"{lab.url}/embed", size=WIDE)
    page.set_viewport_size(FRAME)
    page.get_by_text("Nothing: everything is as usual.").wait_for(timeout=30_000)
    page.get_by_role("tab", name="Full cascade").click()
    page.get_by_role("button", name="Start scene").click()
    page.wait_for_selector(".on-list :text('database: queries up to 5 s slower')")
    page.wait_for_selector(".status[data-level=error]", timeout=40_000)
    shoot_here(page, "embed")
    parts = ".light-word, .status-reasons li:first-child, .status-controls .strong, .scene-tab, .scene-clock"
    parts += ", .scene-head .button:not([hidden]), .on-list li"
    measure = "(all) => [...document.querySelectorAll(all)].map((part) => part.getBoundingClientRect().toJSON())"
    boxes = page.evaluate(measure, parts)
    assert len(boxes) >= 12
    for box in boxes:
        assert box["left"] >= 0 and box["right"] <= FRAME["width"] and box["width"] > 0, box
        assert box["top"] >= 0 and box["bottom"] <= FRAME["height"] and box["height"] > 0, box
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [600, 500]
    assert page.evaluate(OVERPRINTS) == []
    assert violations(page) == []
    page.get_by_role("button", name="Reset").click()
    page.get_by_text("Nothing: everything is as usual.").wait_for(timeout=30_000)
