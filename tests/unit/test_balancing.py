"""How a caller chooses among instances, and what keeps it from asking one."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from services.common.calls.balancing import BALANCERS, Target
from services.common.calls.upstream import Upstream
from services.common.http.problems import NoInstance
from services.common.process.memory import Memory
from services.common.switches.base import Host
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.defences.outlier_ejection import OutlierEjection
from services.common.switches.registry import Switches

NAMES = ("api-1", "api-2", "api-3")


class World:
    """The frontend's switches and its upstream, with a clock and dice of the test's own."""

    def __init__(self, folder):
        self.now = 1000.0
        host = Host(Memory(folder), clock=lambda: self.now, random=random.Random(1))
        self.switches = Switches(CATALOGUE["frontend"], host, folder / "switches.json")
        self.upstream = Upstream("api", NAMES, self.switches, random.Random(2))
        self.use(replicas=3)

    def use(self, **params):
        self.switches.change("setting", "upstream", True, params)

    def defend(self, name, **params):
        self.switches.change("defence", name, True, params)

    def picks(self, count, outcome=lambda name: "ok", tried=()):
        """How often each instance is asked, when each ends before the next is picked."""
        found = Counter()
        for _ in range(count):
            target = self.upstream.pick(tried)
            found[target.name] += 1
            self.upstream.end(target, outcome(target.name), self.upstream.begin(target, is_user=True))
        return found

    def role(self, name):
        return self.upstream.state(0.0)[name].role


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.switches.reset()


def loaded(in_flight, seconds=(0.0, 0.0, 0.0), at=1000.0):
    targets = [Target(name) for name in NAMES]
    for target, count, average in zip(targets, in_flight, seconds, strict=True):
        target.in_flight, target.ewma_seconds, target.ewma_at = count, average, at
    return targets


def picked(policy, targets, times=300):
    balancer = BALANCERS[policy](random.Random(3), lambda: 1000.0)
    return Counter(balancer.pick(targets).name for _ in range(times))


def test_round_robin_takes_turns_and_skips_no_one_for_another():
    assert picked("round_robin", loaded((9, 0, 0))) == {"api-1": 100, "api-2": 100, "api-3": 100}


def test_round_robin_gives_the_turns_of_one_that_is_left_out_to_all_others():
    targets = loaded((0, 0, 0))
    balancer = BALANCERS["round_robin"](random.Random(3), lambda: 0.0)
    found = Counter()
    for _ in range(90):
        first = balancer.pick(targets)
        if first.name == "api-1":  # it refuses, and the retry goes elsewhere
            first = balancer.pick(targets[1:])
        found[first.name] += 1
    assert found == {"api-2": 45, "api-3": 45}


def test_random_asks_each_as_often():
    found = picked("random", loaded((9, 0, 0)), times=3000)
    assert all(900 < found[name] < 1100 for name in NAMES)


def test_least_request_asks_the_least_busy_and_any_of_those_that_are_as_idle():
    assert picked("least_request", loaded((3, 1, 2))) == {"api-2": 300}
    assert set(picked("least_request", loaded((0, 0, 2)))) == {"api-1", "api-2"}


def test_of_two_choices_the_busiest_of_three_is_never_taken():
    found = picked("p2c", loaded((0, 5, 9)))
    assert found["api-3"] == 0 and found["api-1"] > found["api-2"] > 50


def test_peak_ewma_weighs_latency_with_requests_in_flight():
    found = picked("peak_ewma", loaded((4, 0, 1), (0.1, 1.0, 1.0)))
    assert found["api-1"] > found["api-2"] > 50 and found["api-3"] == 0


def test_a_peak_counts_at_once_and_is_forgotten_slowly():
    target = Target("api-1")
    target.observe(0.1, 0.0)
    target.observe(4.0, 1.0)
    assert target.ewma_seconds == 4.0
    target.observe(0.1, 2.0)
    assert 3.5 < target.ewma_seconds < 4.0
    target.observe(0.1, 60.0)
    assert target.ewma_seconds < 0.2


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_the_first_ones_are_in_use_and_the_others_stand_by(world, replicas):
    world.use(replicas=replicas)
    assert set(world.picks(30)) == set(NAMES[:replicas])
    assert [world.role(name) for name in NAMES] == ["in_use"] * replicas + ["standby"] * (3 - replicas)


def test_a_retry_goes_to_another_instance_unless_the_setting_says_no(world):
    first = world.upstream.targets[0]
    assert world.picks(40, tried=[first])["api-1"] == 0
    assert world.picks(40, tried=world.upstream.targets).total() == 40
    world.use(replicas=3, retry_elsewhere=False)
    assert world.picks(30, tried=[first])["api-1"] == 10


def test_a_policy_can_be_changed_at_any_time(world):
    for policy in BALANCERS:
        world.use(replicas=3, policy=policy)
        assert world.picks(60).total() == 60


def fails(name):
    return "error" if name == "api-2" else "ok"


def test_an_instance_is_ejected_after_failures_in_a_row_and_comes_back(world):
    world.defend("outlier_ejection", consecutive_failures=3, base_seconds=5.0)
    assert world.picks(30, fails)["api-2"] == 3
    assert world.role("api-2") == "ejected"
    assert world.upstream.state(0.0)["api-2"].why == "for 5 s: 3 failures in a row"
    world.now += 5.1
    assert world.role("api-2") == "in_use"
    world.picks(30, fails)
    assert world.upstream.state(0.0)["api-2"].why.startswith("for 10 s")  # longer each time
    world.now += 10.1
    world.now += 60.0  # and forgiven after a while
    world.picks(30, fails)
    assert world.upstream.state(0.0)["api-2"].why.startswith("for 5 s")


def test_one_success_ends_a_row(world):
    world.defend("outlier_ejection", consecutive_failures=2)
    outcomes = iter(["error", "ok"] * 100)
    world.picks(60, lambda name: next(outcomes) if name == "api-2" else "ok")
    assert world.role("api-2") == "in_use"


def test_an_instance_of_which_too_few_requests_succeed_is_ejected(world):
    world.defend("outlier_ejection", consecutive_failures=0, success_ratio=0.7, requests=10)
    outcomes = iter(["error", "ok"] * 100)
    found = world.picks(60, lambda name: next(outcomes) if name == "api-2" else "ok")
    assert found["api-2"] == 10
    assert world.upstream.state(0.0)["api-2"].why.endswith("only 50 % of its last 10 requests succeeded")


@pytest.mark.parametrize(("param", "outcome"), [("refusals_count", "refused"), ("timeouts_count", "timeout")])
def test_what_is_no_failure_ejects_nobody(world, param, outcome):
    world.defend("outlier_ejection", consecutive_failures=2, **{param: False})
    world.picks(30, lambda name: outcome if name == "api-2" else "ok")
    assert world.role("api-2") == "in_use"
    world.defend("outlier_ejection", consecutive_failures=2)
    world.picks(30, lambda name: outcome if name == "api-2" else "ok")
    assert world.role("api-2") == "ejected"


def test_no_more_are_ejected_than_may_be(world):
    world.defend("outlier_ejection", consecutive_failures=2, max_ejected_ratio=0.5)
    world.picks(60, lambda name: "ok" if name == "api-1" else "error")
    assert sorted(world.role(name) for name in NAMES) == ["ejected", "in_use", "in_use"]


def test_where_too_few_are_left_all_are_asked(world):
    world.defend("outlier_ejection", consecutive_failures=2, max_ejected_ratio=1.0, panic_ratio=0.5)
    world.picks(60, lambda name: "ok" if name == "api-1" else "error")
    assert set(world.picks(30)) == set(NAMES)
    world.switches[OutlierEjection].values["panic_ratio"] = 0.0
    assert set(world.picks(30)) == {"api-1"}


def test_health_checks_take_an_instance_out_after_some_and_back_after_some(world):
    checks = world.switches.get("defence", "health_checks")
    checks.watch(NAMES, lambda *_: True)
    world.defend("health_checks", unhealthy_after=3, healthy_after=2, interval_seconds=60.0)
    for is_well, role in [
        (False, "in_use"),
        (False, "in_use"),
        (False, "failing"),
        (True, "failing"),
        (True, "in_use"),
    ]:
        checks.note("api-2", is_well)
        assert world.role("api-2") == role
    for _ in range(3):
        checks.note("api-2", False)
    assert world.picks(30)["api-2"] == 0


@pytest.mark.parametrize("fail_open", [True, False])
def test_where_all_checks_fail_the_balancer_fails_open_or_asks_nobody(world, fail_open):
    checks = world.switches.get("defence", "health_checks")
    checks.watch(NAMES, lambda *_: True)
    world.defend("health_checks", unhealthy_after=1, fail_open=fail_open, interval_seconds=60.0)
    for name in NAMES:
        checks.note(name, False)
    if fail_open:
        assert set(world.picks(30)) == set(NAMES)
    else:
        with pytest.raises(NoInstance):
            world.upstream.pick(())


def test_an_instance_that_comes_back_gets_its_share_little_by_little(world):
    world.defend("outlier_ejection", consecutive_failures=2, base_seconds=5.0)
    world.defend("slow_start", window_seconds=10.0, first_share=0.1)
    assert world.picks(300)["api-2"] > 80  # they were all there before it
    world.picks(10, fails)
    assert world.picks(10)["api-2"] == 0
    world.now += 5.1
    shares = []
    for _ in range(3):
        shares.append(world.picks(300)["api-2"])
        world.now += 5.0
    assert shares[0] < 40 < shares[1] <= shares[2] and shares[2] > 80


def test_a_breaker_keeps_one_instance_out_and_not_the_others(world):
    world.defend("circuit_breaker", calls=2, open_seconds=5.0)
    for _ in range(12):
        target = world.upstream.pick(())
        world.switches.before_attempt(False, target)
        world.switches.after_attempt(fails(target.name), False, target)
    assert world.picks(30)["api-2"] == 0
    world.now += 5.1
    assert world.picks(30)["api-2"] == 10


def test_a_hedge_waits_for_the_set_time_or_the_measured_p95_and_has_a_budget(world):
    assert world.switches.hedge_delay() is None
    world.defend("hedging", delay_seconds=0.2)
    assert world.switches.hedge_delay() == 0.2
    world.defend("hedging", budget_ratio=0.05, max_tokens=2)
    target = world.upstream.targets[0]
    for milliseconds in range(100):
        world.switches.after_send(target, "ok", milliseconds / 1000)
    assert world.switches.hedge_delay() == 0.095
    assert [world.switches.may_hedge() for _ in range(3)] == [True, True, False]
    for _ in range(21):
        world.switches.before_attempt(False, target)
    assert [world.switches.may_hedge() for _ in range(2)] == [True, False]


def test_a_reset_forgets_what_was_seen_of_every_instance(world):
    world.defend("outlier_ejection", consecutive_failures=2)
    world.picks(30, fails)
    world.switches.reset()
    world.upstream.clear()
    world.use(replicas=3)
    assert {(state.role, state.sent, state.failed) for state in world.upstream.state(0.0).values()} == {
        ("in_use", 0, 0)
    }
