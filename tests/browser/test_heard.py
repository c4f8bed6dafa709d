"""What those have who hear the page, or see it in a contrast theme: a table, sentences, and what Highlight marks."""

from __future__ import annotations

import re

from tests.browser.conftest import shoot
from tests.browser.test_page import violations

LISTEN_MS = 8000  # in which a chart is drawn four times


def test_the_path_is_a_table_too_that_follows_without_interrupting(page, lab):
    table = page.locator("#path table")
    assert table.get_by_role("columnheader").all_inner_texts()[:2] == ["service", "health"]
    assert table.locator("tbody th").all_inner_texts() == ["users", "frontend", "api", "database"]
    row = table.get_by_role("row", name=re.compile("^database"))
    assert re.search(r"\d+ of 40", row.inner_text()) and "nothing" in row.inner_text()
    lab.fail("database", "slow_query")
    page.wait_for_selector("#path tbody tr:last-child:has-text('queries up to 5 s slower')", state="attached")
    assert (
        page.evaluate("document.querySelector('#path table').closest('[aria-live], [role=status], [role=alert]')")
        is None
    )


def test_each_chart_is_a_sentence_that_is_not_changed_under_ones_ears(page):
    page.wait_for_selector(".chart:first-child .chart-plot[aria-label*=' %']", state="attached")
    label = page.locator(".chart-plot").first.get_attribute("aria-label")
    assert re.fullmatch(r"Success of users: success .*%( now, between .* and .*| all along)\.", label)
    changes = page.evaluate(
        """(ms) => new Promise((resolve) => {
            const counts = [...document.querySelectorAll('.chart-plot')].map((plot) => {
                const count = { of: 0 };
                new MutationObserver(() => count.of++).observe(plot, { attributeFilter: ['aria-label'] });
                return count;
            });
            setTimeout(() => resolve(counts.map(({ of }) => of)), ms);
        })""",
        LISTEN_MS,
    )
    assert len(changes) == 6 and max(changes) <= 2


def test_forced_colours_keep_selection_progress_and_levels(open_page, lab):
    lab.post("/api/scenes/slow_query")
    page = open_page(forced_colors="active")
    page.wait_for_selector(".scene-clock:not([hidden])")
    page.wait_for_selector(".status[data-level=warning]", timeout=20_000)
    look = lambda selector, name: page.evaluate(  # noqa: E731
        "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]", [selector, name]
    )
    chosen, other = (look(f".scene-tab[aria-selected={is_on}]", "backgroundColor") for is_on in ("true", "false"))
    assert chosen != other
    assert look(".scene-progress i", "backgroundColor") != look(".scene-progress", "backgroundColor")
    assert look(".chain .fill", "fill") != look(".chain .track", "fill")
    assert look(".switch.on", "borderTopWidth") != look(".switch:not(.on)", "borderTopWidth")
    assert look(".light .icon-solid", "fill") != look(".light .icon-cut", "stroke")
    assert violations(page) == []
    shoot(page, "forced-colours")
