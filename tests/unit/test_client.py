"""Calls between services: attempts, outcomes, backoff and the order of the defences, against a real HTTP server."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.serving import make_server

from services.common.calls.backoff import backoff_seconds
from services.common.calls.call import DEADLINE, HOPS, REASON, REQUEST_ID, REQUEST_START, TRACE, Call
from services.common.calls.client import NoLease
from services.common.calls.wiring import make_client
from services.common.http import problems
from services.common.process.service import Service
from tests.conftest import reset, wait_until


class Peer:
    """A peer that answers what the test says, one answer after another; the last one for ever."""

    def __init__(self):
        self.answers = [200]
        self.calls = 0
        self.headers = []
        self.release = threading.Event()
        app = Flask("peer")

        @app.get("/order")
        def order():
            self.calls += 1
            self.headers.append(Headers(list(request.headers)))
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
            if answer == "slow":
                self.release.wait(10)
                return {}
            if answer == "broken":
                request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            if answer == "reset":
                return Response(status=503, headers={REASON: "reset"})
            hops = {HOPS: '[{"service": "api"}]'}
            return Response('{"fine": true}', headers=hops) if answer == 200 else Response(status=answer)

        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def frontend(peer, make_settings):
    service = Service(make_settings("frontend", API_1_URL=peer.url))
    yield service
    service.switches.reset()


@pytest.fixture
def client(frontend):
    client = make_client(frontend)
    yield client
    client.close()


@pytest.fixture
def call():
    return Call("id", time.time(), traced=True)


def sample(service, name, **labels):
    value = service.registry.get_sample_value(name, {"peer": "api", **labels})
    assert value is not None
    return value


def outcomes(service):
    name = "http_client_request_duration_seconds_count"
    counts = {o: sample(service, name, outcome=o) for o in ("ok", "error", "timeout", "refused", "rejected")}
    return {outcome: count for outcome, count in counts.items() if count}


def set_client(frontend, **params):
    frontend.switches.change("setting", "client", True, params)


def test_a_good_answer_is_one_attempt(client, frontend, peer, call):
    assert client.get("/order", call) == {"fine": True}
    assert outcomes(frontend) == {"ok": 1}
    assert sample(frontend, "lab_client_attempts_total", attempt="first") == 1
    assert [attempt["outcome"] for attempt in call.attempts] == ["ok"]


def test_by_default_nothing_is_retried(client, peer, call):
    peer.answers = [500]
    with pytest.raises(problems.PeerError):
        client.get("/order", call)
    assert peer.calls == 1


def test_retries_go_on_until_one_succeeds(client, frontend, peer, call):
    peer.answers = [500, 503, 200]
    set_client(frontend, attempts=3)
    assert client.get("/order", call) == {"fine": True}
    assert outcomes(frontend) == {"error": 1, "refused": 1, "ok": 1}
    assert sample(frontend, "lab_client_attempts_total", attempt="retry") == 2


def calls_of(frontend):
    return frontend.state(60).calls


def test_the_attempts_of_users_calls_are_counted_from_the_moment_that_each_call_began(client, frontend, peer):
    frontend.switches.change("setting", "client", True, {"attempts": 3})
    peer.answers = [500, 500, 200, 200]
    client.get("/order", Call("one", time.time()))
    client.get("/order", Call("two", time.time()))
    found = calls_of(frontend)
    wanted = {"begun": 2, "attempts": 4, "sent": 4, "ended": 4, "failed": 2, "attempts_allowed": 3}
    assert {key: getattr(found, key) for key in wanted} == wanted


@contextmanager
def slow_call(client):
    """A call that is under way, until its timeout."""

    def get():
        with pytest.raises(problems.PeerTimeout):
            client.get("/order", Call("slow", time.time()))

    caller = threading.Thread(target=get)
    caller.start()
    yield caller
    caller.join()


def test_a_call_under_way_counts_with_its_attempts_so_far(client, frontend, peer):
    frontend.switches.change("setting", "client", True, {"attempts": 2, "timeout_seconds": 0.4})
    peer.answers = ["slow"]
    seen = set()
    with slow_call(client) as caller:
        while caller.is_alive():
            found = calls_of(frontend)
            seen.add((found.begun, found.attempts))
            time.sleep(0.01)
    assert seen <= {(0, 0), (1, 1), (1, 2)} and (1, 1) in seen
    assert calls_of(frontend).attempts == 2


def test_a_call_that_was_never_sent_is_not_counted_and_a_reset_forgets_all(client, frontend, peer):
    frontend.switches.change("setting", "client", True, {"timeout_seconds": 0.4})
    frontend.switches.change("defence", "bulkhead", True, {"max_concurrent": 1})
    peer.answers = ["slow"]
    with slow_call(client):
        wait_until(lambda: peer.calls, "a call is under way")
        with pytest.raises(problems.BulkheadFull):
            client.get("/order", Call("id", time.time()))
    found = calls_of(frontend)
    assert (found.begun, found.attempts, found.ended, found.failed) == (1, 1, 2, 2)
    reset(frontend)
    assert calls_of(frontend).begun == calls_of(frontend).ended == 0


def test_test_requests_are_no_users(client, frontend, peer, call):
    client.get("/order", call)
    assert (calls_of(frontend).begun, calls_of(frontend).sent) == (0, 0)


def test_the_peer_is_told_when_its_caller_gives_up_at_the_latest(client, frontend, peer):
    set_client(frontend, timeout_seconds=3)
    began = time.time()
    for deadline in (None, began + 60, began + 1):
        client.get("/order", Call("id", began, deadline=deadline))
    ended = time.time()
    own, also_own, callers = (float(headers[DEADLINE]) for headers in peer.headers)
    assert began + 3 <= own <= also_own <= ended + 3
    assert callers == began + 1


def test_the_peer_is_told_the_request_id_when_it_was_sent_and_whether_it_is_traced(client, peer, call):
    began = time.time()
    client.get("/order", call)
    client.get("/order", Call("another", began))
    traced, plain = peer.headers
    assert (traced[REQUEST_ID], plain[REQUEST_ID]) == ("id", "another")
    assert began <= float(traced[REQUEST_START]) <= float(plain[REQUEST_START]) <= time.time()
    assert TRACE in traced and TRACE not in plain


def test_a_peer_that_is_slow_times_out(client, frontend, peer, call):
    peer.answers = ["slow"]
    set_client(frontend, timeout_seconds=0.05, attempts=2)
    with pytest.raises(problems.PeerTimeout):
        client.get("/order", call)
    assert outcomes(frontend) == {"timeout": 2}


def test_a_port_where_nobody_listens_is_refused(make_settings, call):
    service = Service(make_settings("frontend", API_1_URL="http://127.0.0.1:1"))
    with pytest.raises(problems.PeerRefused):
        make_client(service).get("/order", call)
    assert outcomes(service) == {"refused": 1}


def test_a_connection_that_breaks_is_an_error_and_may_be_tried_again(client, frontend, peer, call):
    peer.answers = ["broken", 200]
    set_client(frontend, attempts=2)
    assert client.get("/order", call) == {"fine": True}
    assert outcomes(frontend) == {"error": 1, "ok": 1}


def test_a_traced_call_notes_each_attempt_and_the_hops_behind_the_last(client, frontend, peer, call):
    began = time.time()
    peer.answers = [503, 200]
    set_client(frontend, attempts=2)
    client.get("/order", call)
    notes = [{key: note[key] for key in ("peer", "outcome", "reason", "status")} for note in call.attempts]
    assert notes == [
        {"peer": "api", "outcome": "refused", "reason": "peer_refused", "status": 503},
        {"peer": "api", "outcome": "ok", "reason": None, "status": 200},
    ]
    first, second = call.attempts
    assert began <= first["started_at"] <= second["started_at"] <= time.time()
    assert 0 < first["seconds"] < 5 and call.hops_behind == [{"service": "api"}]


def test_a_request_from_before_a_reset_is_given_up(client, frontend, peer, call):
    frontend.epoch.begin(1, time.time())
    with pytest.raises(problems.Reset):
        client.get("/order", call)
    assert peer.calls == 0


def test_a_peer_that_was_reset_is_not_tried_again(client, frontend, peer, call):
    peer.answers = ["reset"]
    set_client(frontend, attempts=3)
    with pytest.raises(problems.Reset):
        client.get("/order", call)
    assert peer.calls == 1


def test_a_reset_ends_a_backoff_at_once(client, frontend, peer, call):
    peer.answers = [500]
    set_client(frontend, attempts=3, backoff="exponential", backoff_base_seconds=10)
    ended = []

    def request():
        try:
            client.get("/order", call)
        except problems.Problem as problem:  # Reset, or the error itself if the reset came before the backoff
            ended.append(problem)

    waiting = threading.Thread(target=request)
    waiting.start()
    wait_until(lambda: peer.calls, "it is sent")
    reset(frontend)
    waiting.join(5)
    assert ended and peer.calls == 1


def test_an_exhausted_pool_is_rejected_and_not_retried(frontend, peer, call):
    class EmptyPool(NoLease):
        def take(self, call):
            raise problems.PoolTimeout("none came free")

    set_client(frontend, attempts=3)
    with pytest.raises(problems.PoolTimeout):
        make_client(frontend, EmptyPool()).get("/order", call)
    assert outcomes(frontend) == {"rejected": 1}
    assert peer.calls == 0


def test_the_retry_budget_allows_a_tenth(client, frontend, peer):
    peer.answers = [500]
    set_client(frontend, attempts=3)
    frontend.switches.change("defence", "retry_budget", True, {"ratio": 0.1, "max_tokens": 1})
    for _ in range(50):
        with pytest.raises(problems.PeerError):
            client.get("/order", Call("id", time.time()))
    assert sample(frontend, "lab_client_attempts_total", attempt="first") == 50
    assert sample(frontend, "lab_client_attempts_total", attempt="retry") in (5, 6)


def test_an_open_breaker_rejects_without_calling(client, frontend, peer, call):
    peer.answers = [500]
    frontend.switches.change("defence", "circuit_breaker", True, {"calls": 4, "open_seconds": 300})
    for _ in range(4):
        with pytest.raises(problems.PeerError):
            client.get("/order", call)
    assert sample(frontend, "lab_breaker_state") == 2
    with pytest.raises(problems.BreakerOpen):
        client.get("/order", call)
    assert peer.calls == 4


@pytest.mark.parametrize(
    ("backoff", "least", "most"),
    [("none", [0, 0, 0], [0, 0, 0]), ("exponential", [1, 2, 4], [1, 2, 4]), ("full_jitter", [0, 0, 0], [1, 2, 4])],
)
def test_backoff_follows_its_policy(backoff, least, most):
    setting = SimpleNamespace(backoff=backoff, backoff_base_seconds=1.0)
    rng = random.Random(1)
    for retry in (1, 2, 3):
        drawn = [backoff_seconds(setting, retry, rng) for _ in range(100)]
        assert least[retry - 1] <= min(drawn) and max(drawn) <= most[retry - 1]
