"""Sliding windows: what they count, and how p95 sees those who still wait."""

from services.common.telemetry.state import Answers, Users
from services.common.telemetry.windows import AnswerWindow, CountWindow, SumWindow, UserWindow, WaitWindow, quantile


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_quantiles_are_by_nearest_rank():
    assert quantile([], 0.5) is None
    assert quantile([7.0], 0.95) == 7.0
    assert quantile([float(n) for n in range(100)], 0.95) == 95.0


def test_of_forty_users_the_slowest_two_are_beyond_p95():
    clock = Clock()
    window = UserWindow(clock)
    for number in range(40):
        window.add("success", float(number))
    felt = window.since(1000.0)
    assert (felt.p50_seconds, felt.p95_seconds, felt.slowest_seconds) == (20.0, 38.0, 39.0)
    assert window.since(1000.0, [100.0]).p95_seconds == 38.0


def test_only_what_ended_since_the_moment_counts():
    clock = Clock()
    window = UserWindow(clock)
    window.add("error", 5.0)
    clock.now += 10
    for _ in range(3):
        window.add("success", 0.02)
    felt = window.since(1005.0)
    assert (felt.ended, felt.succeeded, felt.success_ratio) == (3, 3, 1.0)
    assert window.since(999.0).success_ratio == 0.75


def test_p95_rises_while_nothing_ends():
    window = UserWindow(Clock())
    for _ in range(50):
        window.add("success", 0.02)
    assert window.since(0).p95_seconds == 0.02
    assert window.since(0, [1.5] * 4).p95_seconds == 1.5
    assert UserWindow(Clock()).since(0, [2.0]).p95_seconds == 2.0
    assert UserWindow(Clock()).since(0).p95_seconds is None


def test_counts_are_forgotten_after_ten_minutes():
    clock = Clock()
    window = CountWindow(clock)
    window.add()
    clock.now += 601
    window.add()
    assert window.since(0) == 1


def test_the_quantile_of_all_is_the_last_value():
    assert quantile([1.0, 2.0], 1.0) == 2.0


def test_things_are_summed_by_quarters_of_a_second():
    clock = Clock()
    window = SumWindow(1, clock)
    for moment in (1000.0, 1000.24, 1000.25):
        clock.now = moment
        window.add(1)
    assert [window.since(moment) for moment in (1000.0, 1000.1, 1000.25, 1000.3)] == [[3], [1], [1], [0]]


def test_answers_tell_how_many_errors_how_long_and_what_came_lately():
    clock = Clock()
    window = AnswerWindow(clock)
    for moment, is_error, seconds in ((1000, False, 1.0), (1006, True, 3.0), (1012, False, 5.0)):
        clock.now = moment
        window.add(is_error, seconds)
    found = Answers(count=3, errors=1, mean_seconds=3.0, last_5_seconds=1)
    assert window.since(1000, 1013) == found
    assert window.since(1013, 1013) == Answers()


def test_what_users_felt_in_every_number():
    window = UserWindow(Clock())
    for number in range(1, 21):
        window.add("success" if number <= 10 else "timeout", float(number))
    assert window.since(1000.0) == Users(
        ended=20,
        succeeded=10,
        success_ratio=0.5,
        p50_seconds=11.0,
        p95_seconds=20.0,
        p99_seconds=20.0,
        success_p50_seconds=6.0,
        slowest_seconds=20.0,
    )


def test_half_of_the_waits_are_shorter_than_the_median_those_that_go_on_included():
    clock = Clock()
    window = WaitWindow(clock)
    window.add(9.0)
    clock.now = 1010.0
    for seconds in (1.0, 2.0, 3.0):
        window.add(seconds)
    assert window.median(1010.0) == 2.0
    assert window.median(1010.0, [4.0, 5.0]) == 3.0
    assert window.median(1011.0) is None
