"""Three instances of the api: who is in use, who gets what, and what becomes of one that is hurt."""

from __future__ import annotations

import json
import urllib.error

import pytest

from services.common.topology import API
from tests.conftest import wait_until

NAMES = [instance.name for instance in API.instances]


def instances(lab):
    return lab.state()["services"]["api"]["instances"]


def memory(lab):
    """What api-1 holds, in bytes; 0 while it does not say."""
    return instances(lab)["api-1"]["rss_bytes"] or 0


def use(lab, **params):
    lab.post("/api/services/frontend/settings/upstream", {"active": True, "params": params})


def roles(state):
    return [one["role"] for one in state["services"]["api"]["instances"].values()]


def test_one_is_in_use_and_the_others_stand_by_until_the_setting_says_otherwise(lab):
    assert roles(lab.state()) == ["in_use", "standby", "standby"]
    use(lab, replicas=3)
    lab.post("/api/traffic", {"rps": 30})
    lab.wait(lambda state: roles(state) == ["in_use"] * 3, "all three are in use")
    shares = lambda state: [one["share"] or 0 for one in state["services"]["api"]["instances"].values()]  # noqa: E731
    lab.wait(lambda state: all(0.25 < share < 0.42 for share in shares(state)), "each gets a third", 25)


def test_a_switch_is_set_on_one_instance_or_on_all(lab):
    lab.fail("api-2", "latency", delay_seconds=0.3)
    assert [list(one["active"]["failure"]) for one in instances(lab).values()] == [[], ["latency"], []]
    lab.fail("api", "hang", duration_seconds=60)
    assert all("hang" in one["active"]["failure"] for one in instances(lab).values())
    assert lab.json("heal", "api-2")["switched_off"]
    assert [list(one["active"]["failure"]) for one in instances(lab).values()] == [["hang"], [], ["hang"]]
    lab.cli("heal")
    assert not any(one["active"]["failure"] for one in instances(lab).values())


def test_what_is_on_in_one_that_stands_by_is_found_too(lab):
    lab.fail("api-3", "latency")
    assert "api-3" in lab.cli("heal").stdout
    assert not instances(lab)["api-3"]["active"]["failure"]


def test_a_test_request_names_the_instances_that_it_passed(lab):
    use(lab, replicas=3, policy="round_robin")
    passed = {tuple(hop["instance"] for hop in request["hops"]) for request in lab.requests(6)}
    assert passed == {("frontend", name, "database") for name in NAMES}
    (frontend, *_) = lab.requests(1)[0]["hops"]
    assert frontend["attempts"][0]["instance"] in NAMES


def test_a_retry_goes_to_another_instance(lab):
    use(lab, replicas=2)
    lab.post("/api/services/frontend/settings/client", {"active": True, "params": {"attempts": 2}})
    lab.fail("api-1", "error_rate", rate=1)
    requests = lab.requests(6)
    assert all(request["ok"] for request in requests)
    tried = [[attempt["instance"] for attempt in request["hops"][0]["attempts"]] for request in requests]
    assert ["api-1", "api-2"] in tried and ["api-1", "api-1"] not in tried


def test_one_that_fails_is_ejected_and_the_log_says_why(lab):
    after = lab.last_event()
    use(lab, replicas=3)
    lab.post("/api/services/frontend/defences/outlier_ejection", {"active": True, "params": {"base_seconds": 60}})
    lab.fail("api-2", "error_rate", rate=1)
    lab.post("/api/traffic", {"rps": 30})
    lab.saw("api-2: ejected for 60 s: 5 failures in a row", after)
    assert instances(lab)["api-2"]["role"] == "ejected"
    lab.reset()
    assert roles(lab.state()) == ["in_use", "standby", "standby"]


def test_health_checks_take_out_one_that_hangs_and_let_it_in_again(lab):
    use(lab, replicas=3)
    params = {"timeout_seconds": 0.3, "interval_seconds": 0.3, "unhealthy_after": 2, "healthy_after": 1}
    lab.post("/api/services/frontend/defences/health_checks", {"active": True, "params": params})
    lab.fail("api-3", "hang")
    lab.wait(lambda state: roles(state) == ["in_use", "in_use", "failing"], "it fails its checks")
    lab.heal("api-3", "hang")
    lab.wait(lambda state: roles(state) == ["in_use"] * 3, "it passes them again")


def test_one_that_is_killed_has_its_switches_when_it_is_back_and_the_others_serve(lab):
    after = lab.last_event()
    use(lab, replicas=3)
    lab.post("/api/services/frontend/settings/client", {"active": True, "params": {"attempts": 2}})
    lab.fail("api-2", "latency", delay_seconds=0.01)
    lab.kill_worker("api-2")
    assert all(request["ok"] for request in lab.requests(6))
    lab.saw("api-2: restarted", after)
    assert "latency" in instances(lab)["api-2"]["active"]["failure"]


def test_infra_takes_one_instance_and_the_status_names_it(lab):
    use(lab, replicas=3)
    lab.cli("infra", "kill", "api-2")
    lab.wait(lambda state: "api-2 does not answer" in state["reasons"], "the status names it")
    state = lab.state()
    assert state["status"] == "RED" and state["services"]["api"]["health"]["word"] == "1 of 3 down"
    assert "infra heal api-2" in lab.cli("status").stdout
    lab.cli("infra", "heal", "api-2")
    lab.wait(lambda state: state["status"] != "RED" and state["services"]["api"]["up"], "it is back")


def test_one_that_stands_by_may_be_down(lab):
    lab.cli("infra", "kill", "api-3")
    lab.wait(lambda state: not state["services"]["api"]["instances"]["api-3"]["up"], "it is down")
    state = lab.state()
    assert state["services"]["api"]["up"] and "api-3 does not answer" not in state["reasons"]
    lab.cli("infra", "heal", "api-3")


def test_an_instance_that_starts_serves_later_and_a_reset_ends_the_wait(lab):
    lab.post("/api/services/api/settings/startup", {"active": True, "params": {"seconds": 60}})
    assert lab.requests(1)[0]["ok"]  # nothing was restarted yet
    lab.kill_worker("api-1")
    lab.wait(lambda state: state["services"]["api"]["up"], "it is up")
    (request,) = lab.requests(1)
    assert not request["ok"] and request["hops"][-1]["reason"] == "starting"
    assert lab.reset()["status"] == "GREEN"


def test_a_liveness_probe_kills_what_is_merely_busy(lab):
    after = lab.last_event()
    lab.post("/api/services/api-1/settings/work", {"active": True, "params": {"slots": 1, "service_time_seconds": 5}})
    params = {"timeout_seconds": 0.3, "failures": 2}
    lab.post("/api/services/api-1/settings/liveness", {"active": True, "params": params})
    lab.post("/api/traffic", {"rps": 10})
    lab.saw("api-1: killed by its liveness probe, which failed 2 times, and restarted", after, 20)


def test_requests_hold_memory_while_they_are_in_flight(lab):
    wait_until(lambda: memory(lab), "it says how much it holds")
    before = memory(lab)
    lab.post("/api/services/api-1/settings/work", {"active": True, "params": {"slots": 1, "service_time_seconds": 5}})
    lab.fail("api-1", "heavy_requests", mb_per_request=20)
    lab.post("/api/traffic", {"rps": 5})
    wait_until(lambda: memory(lab) > before + 100 * 2**20, "five requests hold 100 MB", 15)
    lab.reset()
    wait_until(lambda: 0 < memory(lab) < before + 15 * 2**20, "it is given back", 5)


@pytest.mark.parametrize(
    ("path", "params", "status", "allowed"),
    [
        ("api-9/failures/latency", {}, 404, "api-2"),
        ("api-0/failures/latency", {}, 404, "api-2"),
        ("frontend-1/failures/latency", {}, 404, "frontend"),
        ("frontend/settings/upstream", {"replicas": 4}, 422, 3),
        ("frontend/settings/upstream", {"replicas": 0}, 422, 3),
        ("frontend/settings/upstream", {"policy": "nearest"}, 422, "p2c"),
        ("api-2/settings/upstream", {}, 404, "work"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(lab, path, params, status, allowed):
    before = instances(lab)
    with pytest.raises(urllib.error.HTTPError) as refused:
        lab.post(f"/api/services/{path}", {"active": True, "params": params})
    problem = json.load(refused.value)
    assert refused.value.code == status
    assert allowed in (problem["allowed"] if isinstance(problem["allowed"], list) else problem["allowed"].values())
    assert [one["active"] for one in instances(lab).values()] == [one["active"] for one in before.values()]


def test_a_reset_from_the_worst_state_has_all_three_back_within_three_seconds(lab):
    use(lab, replicas=3)
    for name in ("hang", "heavy_requests"):
        lab.fail("api", name)
    lab.fail("api-2", "cpu_burn", threads=8)
    lab.post("/api/services/api/settings/work", {"active": True, "params": {"slots": 1, "service_time_seconds": 30}})
    lab.post("/api/traffic", {"rps": 60})
    lab.wait(lambda state: (state["services"]["api"]["threads_busy"] or 0) > 60, "it is full", 20)
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3, answer
    assert all(one["up"] and not any(one["active"].values()) for one in instances(lab).values())


def test_a_service_of_which_one_instance_stands_still_says_which_others_changed(lab):
    lab.pause("api-3")
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            lab.fail("api", "latency", delay_seconds=0.01)
        assert refused.value.code == 503
        assert json.load(refused.value)["detail"].endswith("; api-1 and api-2 changed")
    finally:
        lab.go_on("api-3")
    assert lab.fail("api", "latency", delay_seconds=0.01)["active"]
