"""The commands `class` in Docker, with a stand-in for `docker` and a fake control room; without sleeping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labcli import ports
from tests.unit.cli.conftest import FakeDocker, Lab, Room, a_problem

RESET = {"status": "GREEN", "seconds": 0.3, "steps": []}


@pytest.fixture(autouse=True)
def rooms(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Team 1 has the fake control room; where the other teams' labs should be, nobody listens."""
    monkeypatch.delenv("LAB_URL")
    monkeypatch.setenv("LAB_PORT", str(int(room.url.rpartition(":")[2]) - 100))
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    return room


def roster(repo: Path) -> list[dict[str, Any]]:
    teams: list[dict[str, Any]] = json.loads((repo / ".lab" / "class.json").read_text())["teams"]
    return teams


def enrol(repo: Path, *teams: dict[str, Any]) -> None:
    (repo / ".lab").mkdir(exist_ok=True)
    (repo / ".lab" / "class.json").write_text(json.dumps({"teams": teams}))


def a_team(number: int, **changes: Any) -> dict[str, Any]:
    return {"name": f"team-{number}", "number": number, "offset": 100 * number, **changes}


def starts(docker: FakeDocker) -> list[dict[str, Any]]:
    return [asked for asked in docker.asked() if "up" in asked["words"]]


def test_up_builds_once_and_starts_each_team_in_a_project_of_its_own(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    done = lab("class", "up", "--teams", "3")
    assert done.code == 0
    assert len([command for command in docker.commands() if " build " in command]) == 1
    started = {asked["words"][4]: asked for asked in starts(docker)}
    assert set(started) == {"team-1", "team-2", "team-3"}
    assert len({asked["lab_port"] for asked in started.values()}) == 3
    assert all("--no-build" in asked["words"] and "grafana" not in asked["words"] for asked in started.values())
    assert "3 of 3 labs are up" in done.out
    assert (repo / ".lab" / "class.json").stat().st_mode & 0o077 == 0


def test_a_lab_that_does_not_start_holds_up_no_other(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    docker.change(fail=["team-2 up"])
    done = lab("class", "up", "--teams", "3", "--no-build")
    assert done.code == 1
    assert "2 of 3 labs are up" in done.out
    assert "team-2    FAILED  docker compose up: cannot team-2 up" in done.out
    assert len(roster(repo)) == 3  # what was started half-way can be ended


def test_teams_can_be_added_and_keep_their_tokens(
    repo: Path, docker: FakeDocker, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_BIND", "0.0.0.0")
    monkeypatch.setenv("LAB_ADDRESS", "192.0.2.7")
    assert lab("class", "up", "--teams", "1", "--no-build").code == 0
    (first,) = roster(repo)
    assert first["url"].startswith("http://192.0.2.7:") and len(first["token"]) >= 8
    assert starts(docker)[-1]["lab_token"] == first["token"]
    assert lab("class", "up", "--teams", "2", "--no-build").code == 0
    again, second = roster(repo)
    assert again == first and second["token"] != first["token"]
    assert "end the class first" in lab("class", "up", "--teams", "1").err


def test_a_scene_is_started_by_all_and_one_that_is_away_is_told(repo: Path, room: Room, lab: Lab) -> None:
    enrol(repo, a_team(1), a_team(2))
    done = lab("class", "scene", "slow_query")
    assert done.code == 1
    assert room.posted() == [("/api/scenes/slow_query", {"narrate": False})]
    assert "team-1    done    slow_query is on" in done.out
    assert "team-2    FAILED  the control room" in done.out
    assert "start it again: ./scripts/lab class up" in done.out


def test_one_team_alone(repo: Path, room: Room, lab: Lab) -> None:
    enrol(repo, a_team(1), a_team(2))
    assert lab("class", "scene", "slow_query", "--team", "1").code == 0
    refused = lab("class", "scene", "slow_query", "--team", "5")
    assert refused.code == 2 and "teams: 1, 2" in refused.err


def test_a_drill_is_the_same_for_all(repo: Path, room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/drill"] = (200, {"drill": {"phase": "running"}})
    enrol(repo, a_team(1), a_team(2, offset=100))
    assert lab("class", "drill", "--level", "2").code == 0
    (_, first), (_, second) = room.posted()
    assert first == second
    assert first["action"] == "start" and first["level"] == 2 and first["seed"] > 0
    assert lab("class", "drill", "--end", "--team", "1").code == 0
    assert room.posted()[-1] == ("/api/drill", {"action": "end"})


def test_each_team_is_written_to_with_its_own_token(repo: Path, room: Room, lab: Lab) -> None:
    enrol(repo, a_team(1, token="the-teams-own"))
    assert lab("class", "scene", "slow_query").code == 0
    assert room.seen[-1].headers["Authorization"] == "Bearer the-teams-own"


def test_a_reset_that_does_not_end_well_is_told(repo: Path, room: Room, docker: FakeDocker, lab: Lab) -> None:
    enrol(repo, a_team(1))
    room.answers["POST", "/api/reset"] = (200, RESET)
    assert lab("class", "reset").code == 0
    room.answers["POST", "/api/reset"] = (200, {**RESET, "status": "RED"})
    assert lab("class", "reset").code == 1


def test_a_reset_heals_what_infra_did(repo: Path, room: Room, docker: FakeDocker, lab: Lab) -> None:
    enrol(repo, a_team(1))
    docker.add("database")
    (repo / ".lab" / "infra-team-1.json").write_text("{}")
    room.answers["POST", "/api/reset"] = (200, RESET)
    assert lab("infra", "kill", "database", "-p", "team-1", "--port-offset", "100").code == 0
    assert lab("class", "reset").code == 0
    assert docker.state["containers"]["database"]["State"]["Running"]


def test_down_ends_all_and_keeps_those_that_it_could_not(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    enrol(repo, a_team(1), a_team(2))
    docker.change(fail=["team-2 down"])
    assert lab("class", "down").code == 1
    assert [team["name"] for team in roster(repo)] == ["team-2"]
    docker.change(fail=[])
    assert lab("class", "down").code == 0
    assert not (repo / ".lab" / "class.json").exists()
    assert lab("class", "down").code == 0


def test_what_a_control_room_refuses_is_told_with_what_is_allowed(repo: Path, room: Room, lab: Lab) -> None:
    enrol(repo, a_team(1))
    room.answers["POST", "/api/scenes/nope"] = a_problem(404, allowed=["normal"])
    assert "allowed: normal" in lab("class", "scene", "nope").out


def test_the_sheet_has_links_tokens_and_the_labs_own_codes(repo: Path, room: Room, lab: Lab) -> None:
    room.answers["GET", "/qr.svg"] = (200, "<svg></svg>")
    enrol(
        repo,
        a_team(1, url="http://192.0.2.7:8180", token="the-teams-own"),
        a_team(2, url="http://192.0.2.7:8280", token="the-others"),
        a_team(3, url="http://127.0.0.1:8380"),
    )
    done = lab("class", "sheet")
    assert done.code == 0
    assert room.seen[-1].headers["Host"] == "192.0.2.7:8180"  # the code leads where the sheet says
    path = repo / ".lab" / "class-sheet.html"
    text = path.read_text()
    assert "http://192.0.2.7:8280/view" in text and "the-teams-own" in text
    assert "http://127.0.0.1:8380" in text and "127.0.0.1:8380/view" not in text  # no phone gets there
    assert text.count("data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=") == 1
    assert "no QR code for team-2" in done.err
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["up", "--teams", "0"], "from 1 to 200"),
        (["up", "--teams", "2", "--domain", "example.com"], "add --kubernetes"),
        (["up", "--teams", "2", "--kubernetes", "--no-build"], "nothing is built"),
        (["scene", "normal"], "there is no class here"),
    ],
)
def test_what_makes_no_sense_is_refused(repo: Path, lab: Lab, words: list[str], told: str) -> None:
    done = lab("class", *words)
    assert done.code and told in done.err


def test_a_damaged_file_is_told(repo: Path, lab: Lab) -> None:
    (repo / ".lab").mkdir()
    (repo / ".lab" / "class.json").write_text("{")
    assert "class.json cannot be read" in lab("class", "down").err
