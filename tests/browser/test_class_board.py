"""The trainer's board in a real browser: a team whose lab is up, and one whose lab is not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from labcli.api import ControlRoom
from labcli.classroom.board import BoardServer
from labcli.classroom.roster import Team
from labcli.classroom.watch import ClassWatch
from labcli.config import Config
from labcli.console import Console
from labcli.context import Context
from tests.browser.conftest import RESULTS
from tests.support.local import ROOT, LocalLab

SMALL, LARGE = {"width": 1366, "height": 768}, {"width": 1920, "height": 1080}
NOBODY = 30_000  # an offset at which no lab is


@pytest.fixture
def board(browser: Any, lab: LocalLab) -> Iterator[Any]:
    """The page; afterwards none of its scripts may have failed."""
    config = Config(ROOT, 0, {})
    teams = [Team("team-1", 1, url=lab.url, offset=lab.offset), Team("team-2", 2, offset=NOBODY)]
    watch = ClassWatch(Context(config, ControlRoom(config, lambda: lab.url), Console({})), teams)
    errors: list[str] = []
    with BoardServer(0, watch) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        watch.start()
        page = browser.new_page(viewport=LARGE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector(".board-team")
        yield page
        page.close()
        watch.stop()
        server.shutdown()
        thread.join()
    assert errors == []


def card(board: Any, number: int) -> Any:
    return board.locator(f"article[aria-label='team-{number}']")


def test_each_team_says_how_it_is_in_a_word_and_a_shape(board: Any, lab: LocalLab) -> None:
    lab.post("/api/scenes/slow_query", {"narrate": False})
    card(board, 1).get_by_text("Slow queries: 0:").wait_for()
    card(board, 1).get_by_text("YELLOW").wait_for()
    assert card(board, 1).locator(".icon-warning").count() == 1
    assert card(board, 1).get_by_role("link", name="Stage of team-1").get_attribute("href") == f"{lab.url}/stage"
    assert board.locator("#summary").text_content() == "2 teams: 1 UNREACHABLE, 1 YELLOW"


@pytest.mark.long
def test_a_team_that_nobody_reaches_is_not_taken_for_well_or_ill(board: Any) -> None:
    card(board, 2).get_by_text("UNREACHABLE").wait_for()
    card(board, 2).get_by_text("nothing listens there").wait_for()
    assert card(board, 2).locator(".icon-unknown").count() == 1
    assert card(board, 2).get_by_role("link").count() == 0


@pytest.mark.long
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["1366x768", "1920x1080"])
def test_nothing_leaves_its_card(board: Any, size: dict[str, int]) -> None:
    board.set_viewport_size(size)
    card(board, 2).get_by_text("UNREACHABLE").wait_for()
    wider = "cards => cards.filter((card) => card.scrollWidth > card.clientWidth).length"
    assert board.locator(".board-team").evaluate_all(wider) == 0
    RESULTS.mkdir(parents=True, exist_ok=True)
    board.screenshot(path=RESULTS / f"class-board-{size['width']}x{size['height']}.png")


def test_a_drill_is_told_without_what_it_hides(board: Any, lab: LocalLab) -> None:
    lab.post("/api/drill", {"action": "start", "level": 1, "seed": 335})
    card(board, 1).get_by_text("Drill, level 1: 0:").wait_for()
    lab.post("/api/drill", {"action": "end"})
    card(board, 1).get_by_text("Drill ended after 0:").wait_for()
