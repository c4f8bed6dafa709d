"""A hedged attempt: who is asked, and whose answer counts."""

from __future__ import annotations

import threading

import pytest

from services.common.calls.balancing import Target
from services.common.calls.hedges import send_hedged
from services.common.calls.policy import Ended, Send
from services.common.http import problems

FIRST, SECOND = Target("api-1"), Target("api-2")


class Peers:
    """Instances that answer when the test lets them."""

    def __init__(self, **ends):
        self.ends = ends
        self.asked = []
        self.may_answer = {name: threading.Event() for name in ("api_1", "api_2")}

    def ask(self, target):
        name = target.name.replace("-", "_")
        self.asked.append(target.name)
        assert self.may_answer[name].wait(10)
        end = self.ends.get(name, "ok")
        if isinstance(end, Exception):
            raise end
        return Ended(end, None if end == "ok" else problems.PeerError("bad"), answer=target.name, target=target)


def step(second=SECOND, hedge_seconds=0.02):
    return Send(FIRST, 5.0, False, hedge_seconds, lambda: second)


def test_who_answers_in_time_is_asked_alone():
    peers = Peers()
    peers.may_answer["api_1"].set()
    ended, was_hedged = send_hedged(peers.ask, step(hedge_seconds=5.0))
    assert (ended.answer, was_hedged, peers.asked) == ("api-1", False, ["api-1"])


def test_the_second_is_asked_after_the_delay_and_may_win():
    peers = Peers()
    peers.may_answer["api_2"].set()
    ended, was_hedged = send_hedged(peers.ask, step())
    assert (ended.answer, was_hedged, peers.asked) == ("api-2", True, ["api-1", "api-2"])
    peers.may_answer["api_1"].set()


def test_a_bad_answer_does_not_win_over_a_good_one_that_is_still_to_come():
    peers = Peers(api_2="error")
    peers.may_answer["api_2"].set()
    threading.Timer(0.2, peers.may_answer["api_1"].set).start()
    assert send_hedged(peers.ask, step())[0].answer == "api-1"


def test_where_nobody_else_may_be_asked_the_first_one_is_waited_for():
    peers = Peers()
    threading.Timer(0.1, peers.may_answer["api_1"].set).start()
    ended, was_hedged = send_hedged(peers.ask, step(second=None))
    assert (ended.answer, was_hedged, peers.asked) == ("api-1", False, ["api-1"])


def test_a_reset_ends_it():
    peers = Peers(api_1=problems.Reset("reset"))
    peers.may_answer["api_1"].set()
    with pytest.raises(problems.Reset):
        send_hedged(peers.ask, step(hedge_seconds=5.0))
