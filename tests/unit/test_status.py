"""The rules of status, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.common.process.memory import MB
from services.common.telemetry.state import Calls, ServiceState, TrafficState, Users, attempts_allowed
from services.control_room.status import LEVELS, WINDOW_SECONDS, Kpis, judge, kpis_of


def state(name="api", **changes):
    return ServiceState(name, name, **{"rss_bytes": 50 * MB, "memory_limit_bytes": 512 * MB, **changes})


def states(users=None, *, rps=4.0, in_flight=0, last=5, api=None):
    felt = {
        "ended": 60,
        "succeeded": 60,
        "success_ratio": 1.0,
        "p50_seconds": 0.02,
        "p95_seconds": 0.03,
    }
    traffic = TrafficState(rps, in_flight, 60, Users(**felt | (users or {})), Users(ended=last))
    calls = Calls("", begun=60, attempts=60)
    return {
        "frontend": state("frontend", calls=calls),
        "api": api or state(calls=calls),
        "database": state("database"),
        "traffic": state("traffic", epoch_age_seconds=985.0, window_seconds=15.0, traffic=traffic),
    }


def status(found, tests=(), down=()):
    return judge(found, kpis_of(found, list(tests)), down)


@pytest.mark.parametrize(
    ("found", "expected", "reason"),
    [
        (states(), "GREEN", "100 %"),
        (states({"success_ratio": 0.899}), "RED", "succeed"),
        (states({"success_ratio": 0.90}), "YELLOW", "succeed"),
        (states({"success_ratio": 0.989}), "YELLOW", "succeed"),
        (states({"success_ratio": 0.99}), "GREEN", "99 %"),
        (states({"p95_seconds": 0.999}), "GREEN", ""),
        (states({"p95_seconds": 1.0}), "YELLOW", "one request in twenty"),
        (states(in_flight=5, last=0), "RED", "nothing came back"),
        (states(in_flight=4, last=0), "GREEN", ""),
        (states(api=state(rss_bytes=384 * MB)), "YELLOW", "api's memory is at 75 %"),
        (states(api=state(rss_bytes=383 * MB)), "GREEN", ""),
    ],
)
def test_the_first_rule_that_matches_decides(found, expected, reason):
    told, reasons = status(found)
    assert told == expected
    assert reason in "; ".join(reasons)


def test_a_service_that_is_down_is_red():
    found = states() | {"api": None}
    assert status(found, down=["api"]) == ("RED", ["api does not answer"])


def test_a_service_that_is_only_slow_to_answer_once_is_not_red():
    assert status(states() | {"api": None})[0] == "GREEN"


def test_nothing_back_yet_is_not_red_in_the_first_seconds_after_a_reset():
    found = states({"ended": 0, "succeeded": 0, "success_ratio": None, "p50_seconds": None}, in_flight=9, last=0)
    found["traffic"] = replace(found["traffic"], epoch_age_seconds=4.9)
    assert status(found)[0] == "GREEN"
    found["traffic"] = replace(found["traffic"], epoch_age_seconds=5.0)
    assert status(found)[0] == "RED"


def test_without_traffic_the_last_test_requests_count():
    good = {"ok": True, "seconds": 0.02, "hops": []}
    bad = {"ok": False, "seconds": 5.0, "hops": [{"attempts": [1, 2, 3]}]}
    assert status(states({"success_ratio": 0.1}, rps=0), [good] * 12)[0] == "GREEN"
    assert status(states(rps=0), [good] * 10 + [bad] * 2)[0] == "RED"
    kpis = kpis_of(states(rps=0), [good, bad])
    assert kpis.success_ratio == 0.5 and kpis.attempts_per_request == 2


def test_without_traffic_and_test_requests_it_is_green_and_the_kpis_are_null():
    found = states(rps=0)
    assert status(found)[0] == "GREEN"
    assert kpis_of(found, []) == Kpis()


def test_kpis_are_rates_over_the_window():
    kpis = kpis_of(states({"succeeded": 30}), [])
    assert kpis.offered_rps == 4.0 and kpis.served_rps == 2.0 and kpis.attempts_per_request == 1.0


TRAFFIC = states()["traffic"]


def with_calls(*layers):
    """States of layers, each with the calls that it began, their attempts, and the attempts that it allows."""
    names = ("begun", "attempts", "attempts_allowed")
    return [state(calls=Calls("", **dict(zip(names, layer, strict=True)))) for layer in layers]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([(60, 60, 1), (60, 60, 1)], 1.0),
        ([(60, 150, 3), (150, 150, 1)], 2.5),
        ([(10, 30, 3), (30, 90, 3)], 9.0),
        ([(1, 3, 3), (600, 600, 1)], 3.0),  # what the api still works off is of other requests
        ([(60, 60, 1), (0, 0, 1)], 1.0),  # the cache answers all of them
        ([(0, 0, 3), (0, 0, 1)], None),
    ],
)
def test_attempts_are_multiplied_over_the_layers_and_stay_within_what_they_allow(layers, expected):
    layered = with_calls(*layers)
    found = kpis_of({"frontend": layered[0], "api": layered[1], "traffic": TRAFFIC}, [])
    assert found.attempts_per_request == expected
    assert expected is None or 1 <= expected <= attempts_allowed(layered)


def test_the_reasons_are_told_in_words():
    slow = states({"success_ratio": 0.5, "p95_seconds": 2.0}, api=state(rss_bytes=384 * MB), in_flight=7, last=0)
    assert status(slow) == (
        "RED",
        [
            "only 50 % of requests succeed (target 99 %)",
            "nothing came back in 5 s, and 7 users wait",
            "one request in twenty takes 2.0 s or more",
            "api's memory is at 75 % of its limit",
        ],
    )
    assert status(states({"success_ratio": 0.985}))[1] == ["only 98.5 % of requests succeed (target 99 %)"]
    assert status(states())[1] == ["100 % of requests succeed, half of them within 20 ms"]
    assert status(states(rps=0))[1] == ["nothing has been asked of the lab yet"]


def test_the_first_moment_after_a_reset_counts_as_a_second():
    found = states({"ended": 1, "succeeded": 1})
    users = replace(found["traffic"].traffic, arrived=2)
    found["traffic"] = replace(found["traffic"], window_seconds=0.1, traffic=users)
    kpis = kpis_of(found, [])
    assert (kpis.offered_rps, kpis.served_rps) == (2.0, 1.0)


def test_users_who_all_still_wait_are_users():
    found = states({"ended": 0, "succeeded": 0, "success_ratio": None, "p50_seconds": None}, in_flight=3)
    assert kpis_of(found, []).offered_rps == 4.0


def test_what_test_requests_took():
    tests = [{"ok": True, "seconds": number / 10, "hops": [{"attempts": []}]} for number in range(20, 0, -1)]
    kpis = kpis_of(states(rps=0), tests)
    assert (kpis.p50_seconds, kpis.p95_seconds, kpis.attempts_per_request) == (1.1, 2.0, 1.0)


def test_the_numbers_of_the_contract():
    assert (WINDOW_SECONDS, LEVELS) == (15.0, {"GREEN": 0, "YELLOW": 1, "RED": 2})
