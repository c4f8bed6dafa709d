"""The dashboards' truth: each expression returns data in some state of a real lab, and switches show soon."""

from __future__ import annotations

import json
import re
import statistics
import time
import urllib.parse

import pytest

from services.control_room.health import WHY
from tests.compose.conftest import RESULTS, see_the_kill
from tests.conftest import wait_until
from tests.grafana.reading import annotation_expressions, boards, panel_expressions, rules
from tests.support.agreement import ALLOWED_SECONDS, Agreement, lines

pytestmark = pytest.mark.compose

MAX_LAG_SECONDS = 2.0


def settle(lab, seconds):
    """Let a state last; its length is what the windows of the rules need."""
    time.sleep(seconds)


def scene(name):
    """A state that is a scene: the run that test_scenes.py judged, where there was one."""

    def play(lab):
        if name not in lab.played:
            lab.play(name)
            if name == "memory_leak":
                see_the_kill(lab)
        return lab.played[name]

    play.__name__ = name
    return play


def hang(lab):
    """Twenty users a second, and none comes back."""
    lab.post("/api/traffic", {"rps": 20})
    lab.fail("api", "hang")
    settle(lab, 16)


def storm(lab):
    """Retries keep an outage alive after its trigger: capacity is 30 a second, users are 20, attempts up to 60."""
    lab.post(
        "/api/services/frontend/settings/client", {"active": True, "params": {"timeout_seconds": 2, "attempts": 3}}
    )
    lab.post(
        "/api/services/database/settings/capacity",
        {"active": True, "params": {"service_time_seconds": 1, "connections": 30, "queue_limit": 1000}},
    )
    lab.post("/api/services/api/settings/pool", {"active": True, "params": {"size": 160, "wait_seconds": 60}})
    lab.post("/api/traffic", {"rps": 20})
    lab.fail("database", "hang")
    settle(lab, 12)
    lab.heal("database", "hang")
    settle(lab, 32)


def three_instances(lab):
    """All instances of the api share the users."""
    lab.post("/api/traffic", {"rps": 10})
    lab.post("/api/services/frontend/settings/upstream", {"active": True, "params": {"replicas": 3}})
    settle(lab, 12)


def dead_database(lab):
    """A container that is gone."""
    lab.compose("kill", "database")
    settle(lab, 8)
    lab.compose("start", "database")
    wait_until(lambda: lab.state()["services"]["database"]["up"], "the database is back", 60)


def no_control_room(lab):
    """Nobody computes how the lab is doing."""
    lab.compose("kill", "control-room")
    settle(lab, 6)
    lab.compose("up", "-d", "--wait", "--no-deps", "--no-recreate", "control-room")


SCENES = ("normal", "slow_query", "full_cascade", "memory_leak")
STATES = (*(scene(name) for name in SCENES), hang, storm, three_instances, dead_database, no_control_room)


def everything():
    found = [("panel", one) for one in panel_expressions()]
    found += [("annotation", one) for one in annotation_expressions()]
    return found + rules()


def asked(lab, expr, began, ended):
    """The series of a range query, second by second."""
    query = {"query": expr, "start": began, "end": ended, "step": 1}
    answer = lab.get("/api/v1/query_range?" + urllib.parse.urlencode(query), lab.prometheus)
    assert answer["status"] == "success"
    return [series["metric"] for series in answer["data"]["result"]]


@pytest.fixture(scope="module")
def why():
    """{state: the reason of lab_why at its end}."""
    return {}


@pytest.fixture(scope="module")
def fired():
    """{state: the alerts that fired in it}."""
    return {}


@pytest.fixture(scope="module")
def seen(lab, why, fired):
    """{state: {expression: [label sets]}} of each state, one after another, each from a reset."""
    found = {}
    for state in STATES:
        assert lab.reset()["status"] == "GREEN"
        time.sleep(1.5)
        now = time.time()
        began, ended = state(lab) or (now, time.time())
        why[state.__name__] = lab.value(f"lab_why or on () vector({len(WHY)})", ended)
        firing = asked(lab, 'ALERTS{alertstate="firing"}', began, ended)
        fired[state.__name__] = {labels["alertname"] for labels in firing}
        found[state.__name__] = {one.expr: asked(lab, one.expr, began, ended) for _, one in everything()}
    lab.reset()
    _tell(found)
    return found


def _tell(found):
    """The table of expressions and how many series each had in each state, for people and for the record."""
    lines = ["series found\t" + "\t".join(found)]
    for kind, one in everything():
        counts = "\t".join(str(len(results[one.expr])) for results in found.values())
        lines.append(f"{kind} {one.board}: {one.where}\t{counts}")
    for state, results in found.items():
        empty = len({one.expr for _, one in everything() if not results[one.expr]})
        lines.append(f"{state}: {len(results)} expressions, {empty} without data")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "grafana.tsv").write_text("\n".join(lines) + "\n")
    print(*lines[-len(found) :], sep="\n")


def test_every_expression_returns_data_in_some_state(seen):
    empty = [
        f"{kind} {one.board}: {one.where}: {one.expr}"
        for kind, one in everything()
        if not any(results[one.expr] for results in seen.values())
    ]
    assert not empty, "\n".join(empty)


def test_nothing_shared_is_missing_and_no_panel_is_empty_at_rest(seen):
    empty = [
        f"{kind} {one.board}: {one.where}"
        for kind, one in everything()
        if kind in ("panel", "record") and not seen["normal"][one.expr]
    ]
    assert not empty, "\n".join(empty)


def test_every_alert_fires_in_some_state_and_none_at_rest(seen, fired):
    assert fired["normal"] == set()
    assert set().union(*fired.values()) == {one.where for kind, one in rules() if kind == "alert"}


def test_the_room_is_told_why_it_does_not_recover(seen, why):
    assert (why["normal"], why["full_cascade"], why["hang"]) == (0, 1, 1)
    assert why["storm"] in (3, 4), "after the trigger it is the queue, or the retries"


def test_grafana_shows_what_the_page_shows_within_three_seconds_through_every_scene(lab):
    for name in SCENES:
        if name not in lab.behind:
            agreement = Agreement(lab)
            with agreement.watch():
                lab.play(name)
            lab.behind[name] = agreement.behind()
    said = [line for name, behind in lab.behind.items() for line in lines(name, behind)]
    (RESULTS / "agreement.tsv").write_text("scene\tshown\tbehind\n" + "\n".join(said) + "\n")
    late = [
        f"{name}: {what}: {seconds:.1f} s"
        for name, behind in lab.behind.items()
        for what, seconds in behind.items()
        if seconds > ALLOWED_SECONDS
    ]
    assert not late, "\n".join(late)


def name_of(legend, labels):
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), legend)


def test_every_series_that_a_panel_colours_or_shows_by_name_exists(seen):
    missing = []
    for board, dashboard in boards().items():
        for panel in dashboard["panels"]:
            names = {
                name_of(one.legend, labels)
                for one in panel_expressions()
                if one.board == board and one.where.startswith(f"{panel['title']} ")
                for results in seen.values()
                for labels in results[one.expr]
            }
            wanted = set(re.findall(r'"field": "([^"]+)"', json.dumps(panel.get("options", {}))))
            if panel["type"] == "timeseries":
                overrides = panel["fieldConfig"]["overrides"]
                wanted |= {entry["matcher"]["options"] for entry in overrides}
            missing += [f"{board}: {panel['title']}: {name}" for name in wanted - names]
    assert not missing, "\n".join(missing)


def test_a_switch_shows_in_prometheus_within_two_seconds(lab):
    query = 'lab_switch_active{instance="api-1", kind="failure", name="latency"}'
    wait_until(lambda: lab.query(query), "Prometheus has scraped the api")
    lags = {"on": [], "off": []}
    for attempt in range(6):
        time.sleep(0.17 * attempt)  # at another moment of Prometheus' second each time
        for word, active in (("on", 1), ("off", 0)):
            began = time.monotonic()
            lab.post("/api/services/api/failures/latency", {"active": bool(active), "params": {"delay_seconds": 0.1}})
            wait_until(lambda active=active: lab.value(query) == active, f"latency {word}", 5)
            lags[word].append(time.monotonic() - began)
    every = sorted(lags["on"] + lags["off"])
    middle = statistics.median(every)
    said = (
        f"from a switch's call to its effect in a query: median {middle:.2f} s, most {every[-1]:.2f} s of {len(every)}"
    )
    print(said)
    with (RESULTS / "grafana.tsv").open("a") as file:
        file.write(said + "\n")
    assert every[-1] <= MAX_LAG_SECONDS
