"""Drills over real services: no surface tells what is on, one is solved, and one is lost."""

from __future__ import annotations

import shutil
import urllib.request
from functools import partial

import pytest

from labcli.config import Config
from labcli.plan import admin_ports
from services.control_room.drills.cards import deck
from tests.conftest import wait_until
from tests.support.labs import success
from tests.support.leaks import leaks, same_as_ever, surfaces

# Seeds that draw the card of their name, and let the fault come after little more than 15 s.
QUICK = {
    "flaky_api": (1, 335),
    "crashing_instance": (3, 4916),
    "refusing_database": (1, 4916),
    "slow_disk": (1, 521),
    "bad_canary": (2, 1916),
    "two_at_once": (3, 335),
}
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not on PATH")


def start(lab, key):
    level, seed = QUICK[key]
    lab.post("/api/drill", {"action": "start", "level": level, "seed": seed})
    assert deck()[key].key == secret(lab)["card"]


def secret(lab):
    return lab.json("drill", "show")["drill"]["secret"]


def struck(lab):
    wait_until(lambda: secret(lab)["fault_seconds"] is not None, "the fault comes", 40)


def say(lab, **body):
    return lab.post("/api/drill/answers", {"team": "Blue", **body})["drill"]["mine"]


def read(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def answers(lab):
    try:
        return lab.get("/healthz") is not None
    except OSError:
        return False


def admins(lab):
    found = admin_ports(Config.load(lab.offset, {}))
    return {name: partial(read, port) for name, port in found.items()}


def logs(lab):
    files = sorted((lab.folder / "logs").glob("*.log"))
    assert len(files) > 5
    return "\n".join(path.read_text() for path in files)


def check_all_surfaces(lab, key):
    """Start the drill, wait until it hurts, and look for its secret everywhere."""
    card, planes = deck()[key], admins(lab)
    written = len(logs(lab))
    start(lab, key)
    before = same_as_ever(lab, planes)
    struck(lab)
    lab.wait(lambda state: success(state) < 0.97, "users are hurt", 60)
    cli = lambda *words: lab.cli(*words, check=False).stdout  # noqa: E731
    told = dict(surfaces(lab, planes, cli, lambda: logs(lab)[written:]))
    assert len(told) >= 30
    assert {name: found for name, text in told.items() if (found := leaks(card, text))} == {}
    assert same_as_ever(lab, planes) == before


@needs_prometheus
def test_no_surface_tells_what_is_on_and_the_drill_is_solved(lab):
    check_all_surfaces(lab, "flaky_api")
    assert say(lab, kind="detected")["detected"]
    assert say(lab, kind="diagnosis", service="database", switch="outage")["said"] == "That is not it."
    assert say(lab, kind="diagnosis", service="api", switch="error_rate")["diagnosed"]
    lab.cli("set", "frontend", "client", "timeout_seconds=5", "attempts=5")
    wait_until(lambda: secret(lab)["mitigated_seconds"] is not None, "the users are well again", 60)
    ended = lab.post("/api/drill", {"action": "end"})["drill"]
    result, (row,) = ended["result"], ended["teams"]
    assert result["solved"] and result["users_lost"] > 0
    assert row["wrong"] == 1 and 300 < row["points"] < 950
    wait_until(lambda: "error_rate" in str(lab.state()["services"]), "what was hidden is shown", 10)
    assert lab.reset()["status"] == "GREEN"


def test_a_drill_outlives_the_control_room_and_an_instance_and_is_lost_by_a_reset(lab):
    start(lab, "refusing_database")
    assert say(lab, kind="hint")["hints_left"] == 2
    lab.restart("control-room")
    wait_until(lambda: answers(lab), "the control room answers again", 20)
    assert lab.state()["drill"]["phase"] == "running"
    struck(lab)
    lab.restart("database")
    lab.wait(lambda state: state["services"]["database"]["up"], "it answers again", 20)
    lab.wait(lambda state: 0.3 < success(state) < 0.9, "it refuses queries again", 60)
    assert leaks(deck()["refusing_database"], str([event["text"] for event in lab.events()])) == []
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3
    ended = lab.get("/api/room")["drill"]
    assert not ended["result"]["solved"] and ended["result"]["why_ended"] == "the lab was reset"
    assert (ended["teams"][0]["hints"], ended["teams"][0]["state"]) == (1, "watching")


@needs_prometheus
@pytest.mark.long
@pytest.mark.parametrize("key", [key for key in QUICK if key != "flaky_api"])
def test_no_surface_tells_of_the_others_either(lab, key):
    check_all_surfaces(lab, key)
