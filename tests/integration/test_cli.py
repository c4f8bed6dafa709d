"""The command line against a real lab: what it prints, and how it exits."""

from __future__ import annotations

import json


def test_status_shows_the_lab(lab):
    text = lab.cli("status").stdout
    assert "GREEN" in text and "database" in text
    assert lab.json("status")["services"]["api"]["up"] is True


def test_fail_and_heal(lab):
    lab.cli("fail", "database", "slow_query", "min_seconds=1", "max_seconds=2")
    active = lab.state()["services"]["database"]["active"]["failure"]
    assert active["slow_query"]["min_seconds"] == 1
    lab.cli("heal", "database", "slow_query")
    assert not lab.state()["services"]["database"]["active"]["failure"]
    lab.cli("fail", "api", "latency")
    lab.cli("fail", "frontend", "latency")
    lab.cli("heal")
    services = lab.state()["services"]
    assert not services["api"]["active"]["failure"] and not services["frontend"]["active"]["failure"]


def test_settings_defences_and_traffic(lab):
    lab.cli("set", "frontend", "client", "attempts=3", "backoff=full_jitter")
    lab.cli("defend", "frontend", "retry_budget")
    lab.cli("traffic", "7")
    state = lab.state()
    assert state["services"]["frontend"]["active"]["setting"]["client"]["backoff"] == "full_jitter"
    assert "retry_budget" in state["services"]["frontend"]["active"]["defence"]
    assert state["traffic"]["rps"] == 7
    lab.cli("undefend", "frontend", "retry_budget")
    assert not lab.state()["services"]["frontend"]["active"]["defence"]


def test_what_the_lab_refuses_exits_with_1_and_names_the_field(lab):
    done = lab.cli("fail", "database", "slow_query", "min_seconds=99", check=False)
    assert done.returncode == 1
    assert "min_seconds" in done.stderr and "60" in done.stderr
    unknown = lab.cli("fail", "api", "memory_leek", check=False)
    assert unknown.returncode == 1 and "memory_leak" in unknown.stderr


def test_wrong_usage_exits_with_2(lab):
    assert lab.cli("traffic", check=False).returncode == 2
    assert lab.cli("nonsense", check=False).returncode == 2


def test_requests_and_events(lab):
    lines = lab.cli("request", "-n", "2").stdout
    assert "database" in lines and "ms" in lines
    assert "test request took" in lab.cli("events").stdout


def test_reset(lab):
    lab.cli("fail", "api", "hang")
    done = lab.cli("reset")
    assert "GREEN" in done.stdout


def test_a_second_up_says_so_and_changes_nothing(lab):
    done = lab.cli("up", "--local")
    assert "already up" in done.stdout + done.stderr


def test_killed_infrastructure_stays_down_until_it_is_healed(lab):
    after = lab.last_event()
    lab.cli("infra", "kill", "database")
    lab.saw("database: does not answer", after)
    lab.wait(lambda state: state["status"] == "RED", "RED")
    lab.cli("infra", "heal", "database")
    lab.saw("database: answers again", after)
    lab.cli("infra", "kill", "api")
    lab.cli("reset")
    assert lab.state()["status"] == "GREEN"


def test_a_paused_service_is_down_and_heals(lab):
    lab.cli("infra", "pause", "api")
    lab.wait(lambda state: "api-1 does not answer" in state["reasons"], "the api is down")
    lab.cli("infra", "heal", "api")
    lab.wait(lambda state: state["services"]["api"]["up"], "the api is up")


def test_scenes_are_listed(lab):
    listed = json.loads(lab.cli("scene", "--json").stdout)
    assert [scene["name"] for scene in listed["scenes"]][:2] == ["normal", "memory_leak"]


def test_the_report_of_a_scene_is_written_with_its_charts(lab, tmp_path):
    lab.reset()
    before = lab.last_event()
    lab.cli("scene", "slow_query")
    lab.saw("status YELLOW", before, 30)  # told by whoever records it
    lab.wait(lambda state: state["scene"]["elapsed_seconds"] > 8, "there is something to draw")
    lab.cli("reset")
    done = lab.cli("report", "--output", str(tmp_path / "slow"))
    assert str(tmp_path / "slow" / "report.md") in done.stdout.splitlines()
    text = (tmp_path / "slow" / "report.md").read_text()
    assert text.startswith("# Slow queries\n") and "The status was YELLOW at its worst" in text
    assert "](success.svg)" in text and "<title>Success</title>" in (tmp_path / "slow" / "success.svg").read_text()
