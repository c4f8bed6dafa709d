"""A whole lab on real processes: what a presenter does, and what then has to be true."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from services.common.process.memory import MB
from tests.conftest import wait_until
from tests.support.labs import success


def api_worker(lab):
    """The process of the api that does the work."""
    port = 9001 + lab.offset
    for process in psutil.process_iter():
        try:
            if any(c.status == "LISTEN" and c.laddr.port == port for c in process.net_connections("tcp")):
                return process
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    raise AssertionError("nobody listens on the api's admin port")


def test_a_test_request_shows_every_hop(lab):
    for request in lab.requests(3):
        assert request["ok"] and request["status"] == 200
        assert [hop["service"] for hop in request["hops"]] == ["frontend", "api", "database"]
        frontend, api, database = (hop["seconds"] for hop in request["hops"])
        assert request["seconds"] >= frontend >= api >= database >= 0.009
        assert [attempt["outcome"] for attempt in request["hops"][0]["attempts"]] == ["ok"]


def test_a_failing_hop_is_named(lab):
    lab.fail("database", "outage")
    (request,) = lab.requests(1)
    assert (request["ok"], request["status"], request["reason"]) == (False, 503, "peer_refused")
    assert request["hops"][-1]["reason"] == "outage"
    lab.wait(lambda state: success(state) < 1, "users see errors")


def test_retries_show_as_attempts(lab):
    lab.fail("api", "error_rate", rate=1)
    lab.post("/api/services/frontend/settings/client", {"active": True, "params": {"attempts": 3}})
    (request,) = lab.requests(1)
    assert [attempt["outcome"] for attempt in request["hops"][0]["attempts"]] == ["error"] * 3


def test_the_edge_lives_while_the_rest_is_dead_and_dies_when_its_threads_are_gone(lab):
    lab.fail("api", "hang")
    with urllib.request.urlopen(lab.frontend + "/about", timeout=5) as answer:
        assert answer.status == 200
    lab.post("/api/traffic", {"rps": 100})
    lab.wait(lambda state: state["services"]["frontend"]["threads_busy"] == 128, "no thread is free")
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(lab.frontend + "/about", timeout=0.5)
    lab.wait(lambda state: state["status"] == "RED", "RED")


def test_more_than_two_hundred_users_wait_at_once(lab):
    lab.fail("database", "slow_query", min_seconds=30, max_seconds=30)
    lab.post("/api/traffic", {"rps": 60})
    lab.wait(lambda state: state["traffic"]["in_flight"] > 250, "250 users wait", 20)


def test_a_full_queue_refuses_and_the_others_are_served_in_turn(lab):
    lab.post("/api/traffic", {"rps": 0})
    lab.wait(lambda state: state["traffic"]["in_flight"] == 0, "no user is at the database")
    lab.fail("database", "connection_limit", connections=1)
    lab.post(
        "/api/services/database/settings/capacity",
        {"active": True, "params": {"service_time_seconds": 0.5, "queue_limit": 2}},
    )
    with ThreadPoolExecutor(6) as pool:
        results = [lines[0] for lines in pool.map(lambda _: lab.requests(1), range(6))]
    assert sum(result["ok"] for result in results) == 3
    assert {result["hops"][-1]["reason"] for result in results if not result["ok"]} == {"queue_full"}


def test_everyone_sees_a_switch_and_it_expires_by_itself(lab):
    after = lab.last_event()
    lab.fail("frontend", "latency", delay_seconds=0.2, duration_seconds=1)
    state = lab.state()["services"]["frontend"]
    assert state["active"]["failure"]["latency"]["delay_seconds"] == 0.2
    assert 0 < state["expires"]["failure"]["latency"] <= 1
    lab.wait(lambda state: not state["services"]["frontend"]["active"]["failure"], "latency off")
    lab.saw("frontend: failure latency is on (delay_seconds 0.2, duration_seconds 1)", after)
    lab.saw("frontend: failure latency is off", after)


def test_the_leak_warns_is_killed_at_its_limit_and_goes_on_after_the_restart(lab):
    after = lab.last_event()
    lab.post("/api/traffic", {"rps": 0})
    lab.fail("api", "memory_leak", mb_per_request=60)
    lab.requests(6)
    lab.saw("past 50 % of its limit of 512 MB", after)
    before = api_worker(lab)
    lab.post("/api/traffic", {"rps": 4})
    lab.saw("api-1: out of memory, killed by the kernel at its limit of 512 MB", after, 60)
    assert not before.is_running()
    assert "passed its memory limit" in (lab.folder / "logs" / "supervisor.log").read_text()
    still_on = "the leak is still on after the restart"
    lab.wait(lambda state: "memory_leak" in state["services"]["api"]["active"]["failure"], still_on)


def test_reset_gives_leaked_memory_back(lab):
    memory = lambda: lab.state()["services"]["api"]["rss_bytes"] or 0  # noqa: E731
    wait_until(memory, "it says how much it holds")
    before = memory()
    lab.post("/api/traffic", {"rps": 0})
    lab.fail("api", "memory_leak", mb_per_request=30)
    lab.requests(5)
    wait_until(lambda: memory() > before + 120 * MB, "five requests have leaked 150 MB")
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3
    assert 0 < memory() < before + 15 * MB


@pytest.mark.parametrize("failing", [["hang"], ["latency", "error_rate"], ["cpu_burn"], ["crash"]])
def test_reset_is_green_in_three_seconds_from_the_worst_states(lab, failing):
    for name in failing:
        params = {"delay_seconds": 30} if name == "latency" else {"threads": 8} if name == "cpu_burn" else {}
        lab.fail("frontend", name, **params)
        lab.fail("api", name, **params)
    lab.fail("database", "slow_query", min_seconds=20, max_seconds=30)
    lab.post("/api/traffic", {"rps": 50})
    lab.wait(lambda state: state["status"] == "RED", "RED", 30)
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3, answer
    assert all(request["ok"] and request["seconds"] < 0.5 for request in lab.requests(20))


def test_reset_empties_the_longest_queue_in_three_seconds(lab):
    lab.fail("frontend", "hang")
    lab.fail("frontend", "cpu_burn", threads=8)
    arrivals = {"rps": 500, "patience_seconds": 3}
    lab.post("/api/services/traffic/settings/arrivals", {"active": True, "params": arrivals})
    lab.wait(lambda state: (state["services"]["frontend"]["waiting"] or 0) > 3500, "a queue of thousands", 40)
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3, answer


def test_callers_who_never_hang_up_hold_up_nobody(lab):
    port = int(lab.url.rsplit(":", 1)[1])
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            caller.sendall(b"GET /api/state HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert caller.recv(12).endswith(b" 200")
        began = time.monotonic()
        lab.state()
        assert time.monotonic() - began < 2, "gunicorn alone would wait 2 s for each of them"


def test_a_killed_worker_is_back_with_its_switches(lab):
    after = lab.last_event()
    lab.fail("api", "latency", delay_seconds=0.1)
    lab.saw("api: failure latency is on", after)
    api_worker(lab).send_signal(signal.SIGKILL)
    lab.saw("api-1: restarted", after)
    lab.wait(lambda state: state["services"]["api"]["up"], "the api is up")
    assert "latency" in lab.state()["services"]["api"]["active"]["failure"]
    lab.wait(lambda _: lab.requests(1)[0]["ok"], "requests succeed")


def test_a_scene_holds_its_switches_until_the_next_one(lab):
    lab.post("/api/scenes/slow_query")
    state = lab.state()
    assert state["scene"]["name"] == "slow_query" and state["scene"]["verdict"] == "pending"
    assert state["services"]["database"]["active"]["failure"]["slow_query"]["max_seconds"] == 5
    lab.wait(lambda state: state["scene"]["checks"][0]["outcome"] == "pass", "YELLOW is confirmed")
    lab.post("/api/scenes/normal")
    state = lab.state()
    assert state["scene"]["name"] == "normal"
    assert not state["services"]["database"]["active"]["failure"]
    lab.reset()
    assert lab.state()["scene"] is None


def test_events_are_streamed_to_everyone(lab):
    after = lab.last_event()
    request = urllib.request.Request(lab.url + "/api/events", headers={"Accept": "text/event-stream"})
    request.add_header("Last-Event-ID", str(after))
    seen = threading.Event()

    def follow():
        with urllib.request.urlopen(request, timeout=20) as stream:
            for line in stream:
                if b"connection_limit is on" in line:
                    seen.set()
                    return

    threads = [threading.Thread(target=follow, daemon=True)]
    threads[0].start()
    lab.fail("database", "connection_limit")
    assert seen.wait(10)
    threads[0].join(5)
