"""What the failures and defences of the outage patterns do, beyond the catalogue's contract."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.common.calls.balancing import Target
from services.common.calls.call import Call
from services.common.http.problems import BulkheadFull, DeadlineExceeded, RateLimited, Shed
from services.common.process.memory import Memory
from services.common.process.service import Service
from services.common.switches.base import Host
from services.common.switches.defences.adaptive_concurrency import AdaptiveConcurrency
from services.common.switches.defences.bulkhead import Bulkhead
from services.common.switches.defences.circuit_breaker import CircuitBreaker
from services.common.switches.defences.load_shedding import LoadShedding
from services.common.switches.defences.rate_limit import RateLimit
from services.common.switches.defences.retry_budget import RetryBudget
from services.common.switches.params import defaults
from tests.conftest import reset, wait_until

TARGET = Target("api-1")


@pytest.fixture
def call():
    return Call("id", time.time())


@pytest.fixture
def service_of(make_settings):
    services = []

    def make(name):
        services.append(Service(make_settings(name)))
        return services[-1]

    yield make
    for service in services:
        reset(service)


@pytest.fixture
def switched_on(tmp_path):
    """A defence that is on, with a clock of the test's own."""

    def make(kind, **params):
        clock = [0.0]
        in_flight = [1]
        host = Host(Memory(tmp_path), in_flight=lambda: in_flight[0], clock=lambda: clock[0])
        switch = kind(host)
        switch.start(defaults(kind.all_params()) | params, None)
        return switch, clock, in_flight

    return make


def test_a_connection_leak_keeps_connections_until_it_is_switched_off(service_of):
    switches = service_of("api").switches
    released = []
    assert not switches.keep_connection(lambda: released.append(1))
    switches.change("failure", "connection_leak", True, {"ratio": 1})
    for _ in range(3):
        assert switches.keep_connection(lambda: released.append(1))
    assert released == []
    switches.change("failure", "connection_leak", False, {})
    assert released == [1, 1, 1]


def test_a_thread_leak_leaves_threads_up_to_its_bound_and_reset_ends_them(service_of, call):
    service = service_of("api")

    def leaked():
        return sum(thread.name == "thread_leak" for thread in threading.enumerate())

    service.switches.change("failure", "thread_leak", True, {"threads_per_request": 3, "max_threads": 7})
    for _ in range(5):
        service.switches.before_request(call)
    assert leaked() == 7
    reset(service)
    wait_until(lambda: leaked() == 0, "every leaked thread has ended")


def test_lock_contention_makes_queries_run_one_after_another(service_of, call):
    switches = service_of("database").switches
    switches.change("failure", "lock_contention", True, {"hold_seconds": 0.05})
    began = time.monotonic()
    threads = [threading.Thread(target=switches.during_query, args=(call,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 0.3


def cpu_seconds_of_queries(switches, call, rows):
    """The CPU time of twenty queries by four threads on a table that is there already."""
    switches.change("failure", "missing_index", True, {"rows": rows})
    switches.during_query(call)
    began = time.process_time()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: switches.during_query(call), range(20)))
    return time.process_time() - began


def test_a_missing_index_reads_every_row_for_each_query(service_of, call):
    switches = service_of("database").switches
    small, large = (cpu_seconds_of_queries(switches, call, rows) for rows in (1_000, 400_000))
    assert large > 3 * small


def test_queries_under_way_end_when_the_index_is_there_again(service_of, call):
    switches = service_of("database").switches
    switches.change("failure", "missing_index", True, {"rows": 50_000})
    switches.during_query(call)
    threads = [threading.Thread(target=switches.during_query, args=(call,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    switches.change("failure", "missing_index", False, {})
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_large_table_is_no_longer_made_nor_read_once_the_index_is_there(service_of, call):
    """Making this one takes seconds, and a reset has three in all."""
    switches = service_of("database").switches
    switches.change("failure", "missing_index", True, {"rows": 5_000_000})
    table = switches.get("failure", "missing_index")._table
    threads = [threading.Thread(target=switches.during_query, args=(call,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(table._making.locked, "the table is being made")
    switches.change("failure", "missing_index", False, {})
    for thread in threads:
        thread.join(1)
    assert not any(thread.is_alive() for thread in threads)


def test_a_deadline_drops_what_nobody_waits_for(service_of):
    switches = service_of("database").switches
    late, timely = (Call("id", time.time(), deadline=time.time() + left) for left in (-0.1, 60))
    switches.before_request(late)
    switches.change("defence", "deadline", True, {})
    switches.before_request(timely)
    switches.after_queue(timely)
    with pytest.raises(DeadlineExceeded):
        switches.before_request(late)
    with pytest.raises(DeadlineExceeded):
        switches.after_queue(late)
    switches.before_request(Call("id", time.time()))


def test_a_rate_limit_serves_its_rate_and_a_burst(switched_on, call):
    limit, clock, _ = switched_on(RateLimit, rps=10.0, burst=5)
    served = 0
    for _ in range(1000):
        try:
            limit.before_request(call)
            served += 1
        except RateLimited:
            pass
        clock[0] += 0.01
    assert 100 <= served <= 106


def test_a_rate_limit_begins_with_its_whole_burst_and_earns_a_request_at_a_time(switched_on, call):
    limit, clock, _ = switched_on(RateLimit, rps=4.0, burst=2)
    for now, served in [(0.0, 2), (0.125, 0), (0.25, 1), (60.0, 2)]:
        clock[0] = now
        for _ in range(served):
            limit.before_request(call)
        with pytest.raises(RateLimited, match="more than 4 requests a second"):
            limit.before_request(call)


def test_load_shedding_serves_its_number_and_refuses_the_next(switched_on, call):
    shedding, _, in_flight = switched_on(LoadShedding, max_in_flight=16)
    in_flight[0] = 16
    shedding.before_request(call)
    in_flight[0] = 17
    with pytest.raises(Shed, match="more than 16 requests"):
        shedding.before_request(call)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (RetryBudget, {"ratio": 0.1, "max_tokens": 10}),
        (CircuitBreaker, {"failure_ratio": 0.5, "calls": 20, "open_seconds": 5.0, "probes": 3}),
        (Bulkhead, {"max_concurrent": 32}),
        (LoadShedding, {"max_in_flight": 16}),
    ],
)
def test_a_defence_begins_with_the_values_that_the_scenes_were_made_for(kind, values):
    assert defaults(kind.params) == values


def test_a_retry_budget_that_is_off_holds_nothing(switched_on):
    budget, _, _ = switched_on(RetryBudget)
    assert budget.tokens == 10.0
    budget.stop()
    assert budget.tokens == 0.0 and not budget.may_retry()


def test_a_bulkhead_never_lets_more_in_than_it_says(switched_on):
    bulkhead, _, _ = switched_on(Bulkhead, max_concurrent=4)
    most, lock, release = [0], threading.Lock(), threading.Event()
    refused = []

    def one():
        try:
            bulkhead.before_attempt(TARGET)
        except BulkheadFull:
            refused.append(1)
            return
        with lock:
            most[0] = max(most[0], bulkhead.under_way)
        release.wait(5)
        bulkhead.after_attempt("ok", False, TARGET)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(refused) == 16, "16 are refused")
    release.set()
    for thread in threads:
        thread.join()
    assert most[0] == 4 and bulkhead.under_way == 0


def test_a_bulkhead_does_not_count_calls_that_began_before_it(switched_on):
    bulkhead, _, _ = switched_on(Bulkhead)
    bulkhead.after_attempt("ok", False, TARGET)
    assert bulkhead.under_way == 0


def test_a_breaker_probe_that_the_bulkhead_refuses_is_given_back(service_of):
    switches = service_of("api").switches
    switches.change("defence", "circuit_breaker", True, {"calls": 1, "open_seconds": 0.1, "probes": 1})
    switches.change("defence", "bulkhead", True, {"max_concurrent": 1})
    breaker, bulkhead = switches.get("defence", "circuit_breaker"), switches.get("defence", "bulkhead")
    switches.before_attempt(False, TARGET)
    switches.after_attempt("timeout", False, TARGET)
    assert breaker.state == 2
    wait_until(lambda: time.monotonic() - breaker._circuits["api-1"].opened_at > 0.1, "the breaker may probe")
    bulkhead.under_way = 1
    for _ in range(3):
        with pytest.raises(BulkheadFull):
            switches.before_attempt(False, TARGET)
    bulkhead.under_way = 0
    switches.before_attempt(False, TARGET)
    switches.after_attempt("ok", False, TARGET)
    assert breaker.state == 0


def test_adaptive_concurrency_begins_at_its_most_and_steps_as_its_rule_says(switched_on):
    limit, _, in_flight = switched_on(AdaptiveConcurrency, target_seconds=0.1, min_limit=1, max_limit=4, decrease=0.5)
    quick, slow = (Call("id", time.time(), started=time.perf_counter() - age) for age in (0, 1))
    seen = [limit.limit]
    for call in (slow, slow, slow, quick, quick, quick):
        limit.after_request(call)
        seen.append(limit.limit)
    assert seen == [4, 2, 1, 1, 2, 2.5, 2.9]
    for _ in range(9):
        limit.after_request(quick)
    assert limit.limit == 4
    in_flight[0] = 4
    limit.before_request(quick)
    in_flight[0] = 5
    with pytest.raises(Shed, match="more than 4 requests"):
        limit.before_request(quick)


def test_adaptive_concurrency_shrinks_when_answers_are_slow_and_grows_when_they_are_quick(switched_on):
    limit, _, in_flight = switched_on(AdaptiveConcurrency, target_seconds=0.1, min_limit=2, max_limit=20)
    slow = Call("id", time.time(), started=time.perf_counter() - 1)
    for _ in range(50):
        limit.after_request(slow)
    assert limit.limit == 2
    in_flight[0] = 3
    with pytest.raises(Shed):
        limit.before_request(slow)
    for _ in range(500):
        limit.after_request(Call("id", time.time()))
    assert limit.limit == 20
    limit.before_request(slow)
