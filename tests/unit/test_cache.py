"""The look-aside cache and the queries that single-flight shares: with a clock of the test's own, and many threads."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.calls.call import Call
from services.common.http.problems import FlightsFull, PeerRefused, PeerTimeout, Problem, Reset
from services.common.process.service import Service
from services.common.resources.cache import Cache
from services.common.resources.store import Store
from tests.conftest import reset, wait_until


class Database:
    """Stands in for the client of the database: counts queries, and answers when the test lets it."""

    def __init__(self):
        self.timeout_seconds = 5.0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.problem = None
        self.calls = []

    def get(self, path, call, timeout_seconds=None):
        self.calls.append(call)
        self.may_answer.wait(5)
        if self.problem is not None:
            raise self.problem
        return {"rows": 1}


class Dice:
    """Draws the keys that the test wants, in turn, and the middle of every range."""

    def __init__(self):
        self.keys = [0]

    def randrange(self, keys):
        return self.keys[0] if len(self.keys) == 1 else self.keys.pop(0)

    def uniform(self, low, high):
        return (low + high) / 2


class Shop:
    """An api's cache on a database that does as it is told."""

    def __init__(self, service):
        self.service = service
        self.database = Database()
        self.cache = Cache(service, self.database)
        self.cache._random = self.dice = Dice()
        self.now = 0.0
        self.cache._store._clock = lambda: self.now
        self.switch("setting", "cache", ttl_seconds=60)

    def switch(self, kind, name, active=True, **params):
        self.service.switches.change(kind, name, active, params)

    def order(self):
        return self.cache.get("/query", Call("id", time.time()))

    def orders(self, count):
        """As many orders at once, each in a thread: the threads, and what became of each."""
        ended = []

        def one():
            try:
                ended.append(self.order())
            except Problem as problem:
                ended.append(type(problem))

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads, ended

    def metric(self, name, **labels):
        return self.service.registry.get_sample_value(name, labels)

    def flights(self):
        return sum(thread.name == "single_flight" for thread in threading.enumerate())


@pytest.fixture
def shop(make_settings):
    shop = Shop(Service(make_settings("api")))
    yield shop
    shop.database.may_answer.set()
    reset(shop.service)
    wait_until(lambda: shop.flights() == 0, "every flight has given its thread back")


@settings(deadline=None)  # a busy machine may stop for longer than any deadline
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 5), st.floats(0.1, 100)),
            st.tuples(st.just("later"), st.just(0), st.floats(0, 100)),
            st.tuples(st.just("room"), st.integers(0, 6), st.just(0.0)),
        )
    )
)
def test_a_store_finds_what_was_kept_last_until_it_expires_and_never_beyond_its_room(steps):
    now, room, kept = 0.0, 0, {}
    store = Store(lambda: now)
    for number, (what, key, seconds) in enumerate(steps):
        if what == "put":
            store.put(key, number, seconds)
            if key < room:
                kept[key] = (number, now + seconds)
        elif what == "later":
            now += seconds
        else:
            room = key
            store.resize(room)
            kept = {key: entry for key, entry in kept.items() if key < room}
        alive = {key: value for key, (value, expires_at) in kept.items() if now < expires_at}
        assert {key: store.find(key) for key in range(6) if store.find(key) is not None} == alive
        assert len(store) == len(alive)


def test_without_a_time_to_live_every_order_is_a_query(shop):
    shop.switch("setting", "cache", active=False)
    for _ in range(3):
        shop.order()
    assert len(shop.database.calls) == 3
    assert shop.metric("lab_cache_lookups_total", outcome="miss") == 0


def test_a_hit_needs_no_query_until_it_expires(shop):
    for _ in range(3):
        assert shop.order() == {"rows": 1}
    assert len(shop.database.calls) == 1
    assert shop.metric("lab_cache_lookups_total", outcome="hit") == 2
    assert shop.metric("lab_cache_lookups_total", outcome="miss") == 1
    state = shop.service.state(15).cache
    assert (state.entries, state.hits, state.lookups, state.hit_ratio) == (1, 2, 3, pytest.approx(2 / 3))
    shop.now = 60.0
    assert shop.metric("lab_cache_entries") == 0
    shop.order()
    assert len(shop.database.calls) == 2


def test_an_answer_that_is_an_error_is_not_kept(shop):
    shop.database.problem = PeerRefused("full")
    for _ in range(2):
        with pytest.raises(PeerRefused):
            shop.order()
    assert len(shop.database.calls) == 2 and shop.metric("lab_cache_entries") == 0


def test_a_flush_empties_the_cache_and_keeps_it_empty_until_it_is_over(shop):
    shop.order()
    shop.switch("failure", "cache_flush")
    assert shop.metric("lab_cache_entries") == 0
    for _ in range(2):
        shop.order()
    assert len(shop.database.calls) == 3
    shop.switch("failure", "cache_flush", active=False)
    for _ in range(2):
        shop.order()
    assert len(shop.database.calls) == 4


def test_a_reset_empties_the_cache_and_nothing_of_before_is_kept(shop):
    shop.order()
    shop.dice.keys = [1]
    shop.database.may_answer.clear()
    threads, ended = shop.orders(1)
    wait_until(lambda: len(shop.database.calls) == 2, "a query is under way")
    reset(shop.service)
    shop.switch("setting", "cache", ttl_seconds=60)
    shop.database.may_answer.set()
    threads[0].join(5)
    assert ended == [Reset] and shop.metric("lab_cache_entries") == 0


def test_without_single_flight_each_miss_is_a_query(shop):
    shop.database.may_answer.clear()
    threads, _ = shop.orders(8)
    wait_until(lambda: len(shop.database.calls) == 8, "each order has its own query")
    shop.database.may_answer.set()
    for thread in threads:
        thread.join(5)


def test_with_single_flight_each_key_is_queried_exactly_once(shop):
    shop.switch("defence", "single_flight")
    shop.dice.keys = [number % 4 for number in range(64)] + [0]
    shop.database.may_answer.clear()
    threads, ended = shop.orders(64)
    wait_until(lambda: shop.metric("lab_single_flight_shared_total") == 60, "60 orders wait for another's query")
    wait_until(lambda: len(shop.database.calls) == 4, "those of the four are in the database")
    assert shop.metric("lab_single_flight_under_way") == 4
    shop.database.may_answer.set()
    for thread in threads:
        thread.join(5)
    assert ended == [{"rows": 1}] * 64 and len(shop.database.calls) == 4


def test_a_miss_that_boards_just_after_the_landing_makes_no_second_query(shop):
    """Between its look at the cache and its look at the flights, another's flight has filled the one and is gone."""
    shop.switch("defence", "single_flight")
    around_load = shop.service.switches.around_load

    def land_first(*miss):
        shop.service.switches.around_load = around_load
        shop.order()
        return around_load(*miss)

    shop.service.switches.around_load = land_first
    assert shop.order() == {"rows": 1}
    assert len(shop.database.calls) == 1


def test_a_flight_fills_the_cache_although_all_who_waited_have_left(shop):
    shop.switch("defence", "single_flight")
    shop.database.timeout_seconds = 0.01
    shop.database.may_answer.clear()
    for _ in range(2):
        with pytest.raises(PeerTimeout):
            shop.order()
    shop.database.may_answer.set()
    wait_until(lambda: shop.metric("lab_cache_entries") == 1, "the flight has filled the cache")
    assert shop.order() == {"rows": 1} and len(shop.database.calls) == 1


def test_a_flight_has_no_deadline_of_those_who_wait(shop):
    shop.switch("defence", "single_flight")
    shop.cache.get("/query", Call("id", time.time(), deadline=time.time() + 60))
    assert shop.database.calls[0].deadline is None


def test_a_flight_that_fails_tells_all_who_wait_and_the_next_order_tries_again(shop):
    shop.switch("defence", "single_flight")
    shop.database.problem = PeerRefused("full")
    shop.database.may_answer.clear()
    threads, ended = shop.orders(5)
    wait_until(lambda: shop.metric("lab_single_flight_shared_total") == 4, "four wait for the fifth's query")
    shop.database.may_answer.set()
    for thread in threads:
        thread.join(5)
    assert Counter(ended) == {PeerRefused: 5}
    shop.database.problem = None
    assert shop.order() == {"rows": 1}


def test_flights_take_no_more_threads_than_they_may(shop):
    shop.switch("defence", "single_flight", max_flights=2)
    shop.dice.keys = [0, 1, 2, 3, 4]
    shop.database.may_answer.clear()
    threads, ended = shop.orders(5)
    wait_until(lambda: len(ended) == 3, "three are refused")
    assert shop.flights() == 2 and set(ended) == {FlightsFull}
    shop.database.may_answer.set()
    for thread in threads:
        thread.join(5)


def test_a_flight_for_which_there_is_no_thread_is_refused_and_not_counted(shop, monkeypatch):
    shop.switch("defence", "single_flight")

    def no_thread(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch, pytest.raises(FlightsFull):
        patch.setattr(threading.Thread, "start", no_thread)
        shop.order()
    assert shop.metric("lab_single_flight_under_way") == 0
    assert shop.order() == {"rows": 1}


def test_an_unexpected_error_in_a_flight_is_told_too(shop):
    shop.switch("defence", "single_flight")
    shop.database.problem = ZeroDivisionError()
    with pytest.raises(Problem, match="unexpected"):
        shop.order()
    assert shop.metric("lab_single_flight_under_way") == 0


def test_a_reset_ends_flights_at_once_and_their_threads_are_still_counted(shop):
    shop.switch("defence", "single_flight")
    shop.database.may_answer.clear()
    threads, ended = shop.orders(3)
    wait_until(lambda: shop.metric("lab_single_flight_shared_total") == 2, "two wait for the third's query")
    reset(shop.service)
    for thread in threads:
        thread.join(5)
    assert ended == [Reset] * 3 and shop.metric("lab_single_flight_under_way") == 1
    shop.database.may_answer.set()
    wait_until(lambda: shop.metric("lab_single_flight_under_way") == 0, "the thread is given back")
    assert shop.metric("lab_cache_entries") == 0
