"""One policy, two drivers: threads and simulated time do the same calls in the same way, whatever the peer does."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.calls.call import Call
from services.common.calls.client import NoLease, PeerClient
from services.common.calls.policy import Begin, CallPolicy, End, Ended, GiveBack, Pause, Send, Take, drive
from services.common.calls.upstream import Upstream
from services.common.calls.wiring import make_client
from services.common.http import problems
from services.common.process.service import Service
from services.common.switches.defences.circuit_breaker import CircuitBreaker
from services.common.topology import API, FRONTEND
from simulation.engine import Engine
from simulation.simulated_services import Caller, Server, Visit

PEER_SAYS = ("ok", "timeout", "error", "refused", "pool_timeout", "deadline")
REFUSALS = {"pool_timeout": problems.PoolTimeout, "deadline": problems.DeadlineExceeded}
ENDS = {
    "ok": Ended("ok"),
    "timeout": Ended("timeout", problems.PeerTimeout("late")),
    "error": Ended("error", problems.PeerError("bad")),
    "refused": Ended("refused", problems.PeerRefused("no")),
}
SWITCHED = [
    ("setting", "client", {"attempts": st.integers(1, 4)}),
    ("defence", "retry_budget", {"ratio": st.sampled_from([0.0, 0.5, 1.0]), "max_tokens": st.integers(1, 3)}),
    ("defence", "circuit_breaker", {"calls": st.integers(1, 4), "probes": st.just(1), "open_seconds": st.just(60.0)}),
    ("defence", "bulkhead", {"max_concurrent": st.integers(1, 2)}),
]


@st.composite
def worlds(draw):
    """What is on, and what the peer and the pool say to one attempt after another, in a few calls."""
    on = [
        (kind, name, {key: draw(values) for key, values in params.items()})
        for kind, name, params in SWITCHED
        if draw(st.booleans())
    ]
    return on, draw(st.lists(st.lists(st.sampled_from(PEER_SAYS), min_size=4, max_size=4), min_size=1, max_size=6))


class Script:
    """The lines of one call, and what was done: takes, sends and gives back."""

    def __init__(self):
        self.lines, self.log = [], []

    def take(self):
        line = self.lines.pop(0)
        self.log.append("take")
        if line in REFUSALS:
            raise REFUSALS[line](line)
        self.next_end = ENDS[line]

    def give_back(self):
        self.log.append("give back")


def real(service, on, calls):
    """What threads do."""
    script = Script()

    class Pool(NoLease):
        def take(self, call):
            script.take()

        def give_back(self):
            script.give_back()

    class Scripted(PeerClient):
        def _on_the_wire(self, path, call, timeout, target):
            script.log.append(script.next_end.outcome)
            return replace(script.next_end, target=target)

    client = make_client(service, Pool())
    client.__class__ = Scripted
    for kind, name, params in on:
        service.switches.change(kind, name, True, params)
    for lines in calls:
        script.lines = list(lines)
        try:
            client.get("/order", Call("id", time.time()))
            script.log.append("answered")
        except problems.Problem as problem:
            script.log.append(problem.reason)
    state = client.state(0.0, 1.0)
    return script.log, service.switches[CircuitBreaker].state, (state.begun, state.attempts)


def simulated(on, calls):
    """What simulated time does."""
    script, engine = Script(), Engine()

    class Scripted(Caller):
        def take(self, visit):
            script.take()
            yield from ()

        def give_back(self):
            script.give_back()

        def _ask(self, visit, target, seconds, counted):
            counted.attempt()
            script.log.append(script.next_end.outcome)
            yield from ()
            return replace(script.next_end, target=target)

    dice = random.Random(1)
    peers = [Server(engine, instance, 64, dice) for instance in API.instances]
    caller = Scripted(engine, FRONTEND.instances[0], 128, dice, peers)
    for kind, name, params in on:
        caller.switches.change(kind, name, True, params)

    def play():
        for lines in calls:
            script.lines = list(lines)
            try:
                yield from caller.call_peer(Visit(engine, "", None), None)
                script.log.append("answered")
            except problems.Problem as problem:
                script.log.append(problem.reason)

    engine.spawn(play())
    engine.run(1.0)
    state = caller.state(0.0).calls
    return script.log, caller.switches[CircuitBreaker].state, (state.begun, state.attempts)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_threads_and_simulated_time_do_the_same(make_settings, world):
    on, calls = world
    assert real(Service(make_settings("frontend")), on, calls) == simulated(on, calls)


@pytest.fixture
def policy(make_settings):
    switches = Service(make_settings("frontend")).switches
    switches.change("setting", "client", True, {"attempts": 2, "backoff": "exponential"})
    dice = random.Random(1)
    return CallPolicy(switches, dice, Upstream("api", ["api-1"], switches, dice))


def test_the_steps_of_a_call_that_is_tried_twice(policy):
    done = []

    def perform(step):
        done.append(type(step))
        sent = sum(each is Send for each in done)
        return (ENDS["timeout"] if sent == 1 else Ended("ok", answer=7)) if isinstance(step, Send) else None

    assert drive(policy.call(), perform) == 7
    attempt = [Begin, Take, Send, GiveBack, End]
    assert done == [*attempt, Pause, *attempt]


@pytest.mark.parametrize("at", [Begin, Take, Send])
def test_what_breaks_off_a_call_leaves_nothing_held(policy, at):
    done = []

    def perform(step):
        done.append(type(step))
        if isinstance(step, at):
            raise problems.Reset("reset")

    with pytest.raises(problems.Reset):
        drive(policy.call(), perform)
    assert done.count(GiveBack) == (at is Send)
