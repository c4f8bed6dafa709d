"""What somebody in the room may do to a lab before the reset, and what has to be true after it."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from services.common.process.memory import MB
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.params import Param
from services.common.topology import BY_NAME
from tests.conftest import wait_until
from tests.support.labs import LabUnderTest

RESET_SECONDS = 3
RESTART_SECONDS = 12  # after a whole container (or its main process) had to be started again, on a busy machine
SLACK_MB = 15
SLACK_THREADS = 8  # a scrape, a health check, a look
IN_USE = 5  # connections of 4 users a second, who hold each for 12 ms
SLACK_CONNECTIONS = 40  # connections of users that just ended
NORMAL_SECONDS = 0.5
SCENES = [
    "domino",
    "memory_leak",
    "full_cascade",
    "slow_query",
    "retry_storm",
    "hang_without_timeouts",
    "noisy_neighbour",
]
SERVICES = ["traffic", "frontend", "api", "api-2", "database", "control-room"]  # and api-2 may be on standby
DATA_SERVICES = ["frontend", "api", "database"]


def values(param: Param[Any]) -> st.SearchStrategy[Any]:
    """Any value that the parameter allows; a switch that goes off by itself is no state to reset from."""
    if param.name == "duration_seconds":
        return st.just(0)
    if param.choices:
        return st.sampled_from(param.choices)
    if param.type == "boolean":
        return st.booleans()
    number = st.integers if param.type == "integer" else st.floats
    return number(param.minimum, param.maximum)


def switch_on(service, switch):
    """One that is waited for, or (`press`) one that may still be under way when the reset comes."""
    params = st.fixed_dictionaries({}, optional={param.name: values(param) for param in switch.all_params()})
    names = st.sampled_from([service, *(instance.name for instance in BY_NAME[service].instances)])
    return st.tuples(st.sampled_from(["switch", "switch", "press"]), st.tuples(names, st.just(switch)), params)


ACTIONS = st.one_of(
    st.one_of([switch_on(service, switch) for service, switches in CATALOGUE.items() for switch in switches]),
    st.tuples(st.just("traffic"), st.integers(0, 100)),
    st.tuples(st.just("scene"), st.sampled_from(SCENES)),
    st.tuples(st.just("requests"), st.integers(1, 20)),
    st.tuples(st.just("kill_worker"), st.sampled_from(SERVICES)),
    st.tuples(st.just("wait"), st.floats(0.1, 1.5)),
)
KILLS = st.tuples(st.just("restart"), st.sampled_from(SERVICES))


def do(lab: LabUnderTest, action: str, *arguments: Any) -> None:
    """One thing that somebody in the room may do; what the lab refuses changes nothing."""
    try:
        if action == "switch":
            (service, switch), params = arguments
            path = f"/api/services/{service}/{switch.kind}s/{switch.name}"
            lab.post(path, {"active": True, "params": params})
        elif action == "press":
            (service, switch), params = arguments
            with suppress(OSError, http.client.HTTPException):  # the control room is away
                lab.press(f"/api/services/{service}/{switch.kind}s/{switch.name}", {"active": True, "params": params})
        elif action == "traffic":
            lab.post("/api/traffic", {"rps": arguments[0]})
        elif action == "scene":
            lab.post(f"/api/scenes/{arguments[0]}")
        elif action == "requests":
            threading.Thread(target=send, args=(lab, arguments[0]), daemon=True).start()  # the reset comes in between
        elif action in ("kill_worker", "restart"):
            getattr(lab, action)(arguments[0])
            wait_until(lambda: answers(lab), "the control room answers", RESTART_SECONDS)
        else:
            time.sleep(arguments[0])
    except urllib.error.HTTPError as refused:
        # 409: a reset came first; 422: bounds that do not fit together; 503: it crashes faster than it can be told
        assert refused.code in (409, 422, 503), refused.read()


def send(lab: LabUnderTest, count: int) -> None:
    """Test requests that nobody waits for: they end with the reset, or with the control room."""
    try:
        lab.requests(count)
    except (OSError, ValueError):
        return


def answers(lab: LabUnderTest) -> bool:
    """Whether the control room answers."""
    try:
        return bool(lab.state())
    except OSError:
        return False


def sizes(lab: LabUnderTest) -> dict[str, dict[str, int]]:
    """Resident bytes, threads and connections of each service; one that is silent just now is waited for."""
    services = wait_until(lambda: all_known(lab.state()["services"]), "every service says its memory")
    return {name: {"rss_bytes": found["rss_bytes"], **lab.counts(name)} for name, found in services.items()}


def all_known(services: dict[str, Any]) -> dict[str, Any] | None:
    """The services, if each of them says its memory."""
    return services if all(found["rss_bytes"] is not None for found in services.values()) else None


def busy_once(lab: LabUnderTest) -> dict[str, dict[str, int]]:
    """The sizes of a lab that has been busy: threads that ran once are kept, and so is what they need."""
    lab.reset()
    lab.fail("database", "slow_query", min_seconds=1, max_seconds=1)
    lab.post("/api/traffic", {"rps": 200})
    lab.wait(lambda state: state["services"]["frontend"]["threads_busy"] == 128, "every thread has run", 30)
    lab.reset()
    return sizes(lab)


def needs_a_start(action: str, *arguments: Any) -> bool:
    """Whether a whole container starts again after it: traffic is a single process."""
    return action == "restart" or (action == "kill_worker" and arguments[0] == "traffic")


def check_reset(lab: LabUnderTest, before: dict[str, dict[str, int]], actions: list[tuple[Any, ...]]) -> None:
    """Reset, and everything is as it was: within 3 s, or within a bound of its own where a container had to start."""
    began = time.monotonic()
    answer = lab.reset()
    if any(needs_a_start(*action) for action in actions) and answer["status"] != "GREEN":
        wait_until(lambda: lab.reset()["status"] == "GREEN", "GREEN after a restart", RESTART_SECONDS)
        began = time.monotonic()
    else:
        assert answer["status"] == "GREEN" and answer["seconds"] < RESET_SECONDS, answer
    left = began + RESET_SECONDS - time.monotonic()
    wait_until(lambda: is_idle(lab.state()["services"]["api"]), "nobody waits, and the pool is free", left)
    state = lab.state()
    assert state["status"] == "GREEN" and state["scene"] is None, state["reasons"]
    everything = [one for found in state["services"].values() for one in (found, *found.get("instances", {}).values())]
    assert not any(any(one["active"].values()) for one in everything)
    assert {one["role"] for one in everything if "role" in one} == {"in_use", "standby"}
    requests = lab.requests(20)
    assert all(request["ok"] and request["seconds"] < NORMAL_SECONDS for request in requests), requests
    wait_until(lambda: not too_big(lab, before), "memory, threads and connections are back", 3)


def is_idle(api: dict[str, Any]) -> bool:
    """Whether no more is under way in the api than four users a second need; one may just be on its way to a thread.

    An api that is silent just now has no pool, and is not idle.
    """
    return "pool" in api and api["pool"]["in_use"] < IN_USE and not api["waiting"]


def too_big(lab: LabUnderTest, before: dict[str, dict[str, int]]) -> list[str]:
    """What has not come back, in words."""
    slack = {"rss_bytes": SLACK_MB * MB, "threads": SLACK_THREADS, "connections": SLACK_CONNECTIONS}
    return [
        f"{name}: {what} {found} after {before[name][what]}"
        for name, now in sizes(lab).items()
        for what, found in now.items()
        if found - before[name][what] >= slack[what]
    ]
