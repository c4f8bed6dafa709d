"""Slots: bounded places, a bounded first-in-first-out queue, and a reset that empties it."""

from __future__ import annotations

import threading

import pytest

from services.common.http.problems import PoolTimeout, QueueFull, Reset
from services.common.resources.slots import Slots
from tests.conftest import wait_until


class Taker(threading.Thread):
    """A thread that takes a slot and notes its turn."""

    def __init__(self, slots, turns, name, wait_seconds=None):
        super().__init__(name=name)
        self.slots, self.turns, self.wait_seconds = slots, turns, wait_seconds
        self.error = None

    def run(self):
        try:
            self.slots.acquire(self.wait_seconds)
            self.turns.append(self.name)
        except Exception as error:
            self.error = error


def queue_up(slots, turns, count):
    takers = []
    for number in range(count):
        taker = Taker(slots, turns, str(number))
        taker.start()
        takers.append(taker)
        wait_until(lambda wanted=number + 1: slots.queued == wanted, "queued")
    return takers


def test_waiting_threads_get_slots_in_the_order_they_came():
    slots, turns = Slots(1), []
    slots.acquire()
    takers = queue_up(slots, turns, 4)
    for number in range(4):
        slots.release()
        wait_until(lambda wanted=number + 1: len(turns) == wanted, "a turn")
    assert turns == ["0", "1", "2", "3"]
    for taker in takers:
        taker.join()
    assert slots.in_use == 1 and slots.queued == 0


def test_a_full_queue_refuses_at_once():
    slots, turns = Slots(1, queue_limit=1), []
    slots.acquire()
    takers = queue_up(slots, turns, 1)
    with pytest.raises(QueueFull):
        slots.acquire()
    slots.release()
    takers[0].join(5)
    assert turns == ["0"]


def test_a_wait_that_is_too_long_is_given_up_and_leaves_the_queue():
    slots = Slots(1)
    slots.acquire()
    with pytest.raises(PoolTimeout):
        slots.acquire(0.01)
    assert slots.queued == 0 and slots.in_use == 1


def test_a_reset_sends_everyone_in_the_queue_away():
    slots, turns = Slots(1), []
    slots.acquire()
    takers = queue_up(slots, turns, 3)
    slots.drain()
    for taker in takers:
        taker.join(5)
        assert isinstance(taker.error, Reset)
    assert turns == [] and slots.in_use == 1


def test_more_capacity_serves_waiting_threads_and_less_takes_no_slot_away():
    slots, turns = Slots(1), []
    slots.acquire()
    takers = queue_up(slots, turns, 2)
    slots.resize(3)
    for taker in takers:
        taker.join(5)
    assert slots.in_use == 3
    slots.resize(1)
    assert slots.in_use == 3
    with pytest.raises(PoolTimeout):
        slots.acquire(0.01)


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_each_wait_is_told_at_its_end_and_a_free_slot_is_no_wait():
    clock, waited = Clock(), []
    slots = Slots(1, waited=waited.append, clock=clock)
    slots.acquire()
    takers = queue_up(slots, [], 1)
    clock.now += 2.5
    assert slots.ages() == [2.5] and waited == [0.0]
    slots.release()
    takers[0].join(5)
    assert waited == [0.0, 2.5] and slots.ages() == []


def test_a_wait_that_was_given_up_counts_and_one_that_was_refused_or_drained_does_not():
    clock, waited = Clock(), []
    slots = Slots(1, queue_limit=1, waited=waited.append, clock=clock)
    slots.acquire()
    with pytest.raises(PoolTimeout):
        slots.acquire(0.001)
    takers = queue_up(slots, [], 1)
    with pytest.raises(QueueFull):
        slots.acquire()
    slots.drain()
    takers[0].join(5)
    assert waited == [0.0, 0.0]


def test_slots_are_never_lost_or_handed_out_twice_under_contention():
    slots = Slots(3, queue_limit=None)
    busiest, lock, busy = [0], threading.Lock(), [0]

    def work():
        for _ in range(200):
            try:
                slots.acquire(0.002)
            except PoolTimeout:
                continue
            with lock:
                busy[0] += 1
                busiest[0] = max(busiest[0], busy[0])
            with lock:
                busy[0] -= 1
            slots.release()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert busiest[0] <= 3
    assert slots.in_use == 0 and slots.queued == 0
