"""Sliding windows: what they count, and how p95 sees those who still wait."""

from services.common.telemetry.windows import CountWindow, UserWindow, quantile


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_quantiles_are_by_nearest_rank():
    assert quantile([], 0.5) is None
    assert quantile([7.0], 0.95) == 7.0
    assert quantile([float(n) for n in range(100)], 0.95) == 95.0


def test_only_what_ended_since_the_moment_counts():
    clock = Clock()
    window = UserWindow(clock)
    window.add("error", 5.0)
    clock.now += 10
    for _ in range(3):
        window.add("success", 0.02)
    felt = window.since(1005.0)
    assert (felt["ended"], felt["succeeded"], felt["success_ratio"]) == (3, 3, 1.0)
    assert window.since(999.0)["success_ratio"] == 0.75


def test_p95_rises_while_nothing_ends():
    window = UserWindow(Clock())
    for _ in range(50):
        window.add("success", 0.02)
    assert window.since(0)["p95_seconds"] == 0.02
    assert window.since(0, [1.5] * 4)["p95_seconds"] == 1.5
    assert UserWindow(Clock()).since(0, [2.0])["p95_seconds"] == 2.0
    assert UserWindow(Clock()).since(0)["p95_seconds"] is None


def test_counts_are_forgotten_after_ten_minutes():
    clock = Clock()
    window = CountWindow(clock)
    window.add()
    clock.now += 601
    window.add()
    assert window.since(0) == 1
