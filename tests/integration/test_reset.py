"""Reset is a promise: from any state of any switches the lab is healthy in three seconds, and gives memory back."""

from __future__ import annotations

import os
import signal
import time
import urllib.error

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.catalogue import CATALOGUE
from services.common.memory import MB
from services.common.params import Param
from tests.conftest import wait_until
from tests.integration.test_lab import api_worker

SLACK_MB = 15
SEQUENCES = int(os.environ.get("LAB_RESET_SEQUENCES", "15"))


def values(param: Param):
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
    params = st.fixed_dictionaries({}, optional={param.name: values(param) for param in switch.all_params()})
    return st.tuples(st.just("switch"), st.just((service, switch)), params)


ACTIONS = st.one_of(
    st.one_of([switch_on(service, switch) for service, switches in CATALOGUE.items() for switch in switches]),
    st.tuples(st.just("traffic"), st.integers(0, 100)),
    st.tuples(st.just("scene"), st.sampled_from(["memory_leak", "full_cascade", "slow_query"])),
    st.tuples(st.just("kill"), st.none()),
    st.tuples(st.just("wait"), st.floats(0.1, 1.5)),
)


def do(lab, action, *arguments):
    """One thing that somebody in the room may do; what the lab refuses changes nothing."""
    if action == "switch":
        (service, switch), params = arguments
        try:
            path = f"/api/services/{service}/{switch.kind}s/{switch.name}"
            lab.post(path, {"active": True, "params": params})
        except urllib.error.HTTPError as refused:
            # 422: bounds that do not fit together; 503: it crashes faster than it can be told
            assert refused.code in (422, 503), refused.read()
    elif action == "traffic":
        lab.post("/api/traffic", {"rps": arguments[0]})
    elif action == "scene":
        lab.post(f"/api/scenes/{arguments[0]}")
    elif action == "kill":
        wait_until(lambda: kill(lab), "the api's worker is killed")
    else:
        time.sleep(arguments[0])


def kill(lab):
    try:
        api_worker(lab).send_signal(signal.SIGKILL)
    except AssertionError:
        return False  # it is just starting again
    return True


def resident(lab):
    return {name: service["rss_bytes"] for name, service in lab.state()["services"].items()}


@pytest.fixture(scope="module")
def before(lab):
    """Memory of a lab that has been busy: threads that ran once are kept, and so is what they need."""
    lab.fail("database", "slow_query", min_seconds=1, max_seconds=1)
    lab.post("/api/traffic", {"rps": 200})
    lab.wait(lambda state: state["services"]["frontend"]["threads_busy"] == 128, "every thread has run", 20)
    lab.reset()
    return resident(lab)


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(ACTIONS, min_size=1, max_size=8))
def test_reset_is_green_in_three_seconds_from_any_state(lab, before, actions):
    for action in actions:
        do(lab, *action)
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3, answer
    state = lab.state()
    assert state["status"] == "GREEN" and state["scene"] is None
    assert not any(any(service["active"].values()) for service in state["services"].values())
    requests = lab.requests(20)
    assert all(request["ok"] and request["seconds"] < 0.5 for request in requests), requests
    for name, size in resident(lab).items():
        assert size - before[name] < SLACK_MB * MB, (name, size / MB, before[name] / MB)
