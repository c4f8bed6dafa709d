"""fail, heal, defend, undefend and set."""

from __future__ import annotations

from typing import Any

import pytest

from labcli.switching import typed
from tests.unit.cli.conftest import Lab, Room, a_problem, a_service, a_state

NOT_FOUND = a_problem(404, detail="no such thing")


def test_fail_switches_on_with_typed_parameters(room: Room, lab: Lab) -> None:
    done = lab("fail", "database", "slow_query", "min_seconds=2", "rate=0.5", "deep=true", "backoff=none")
    params = {"min_seconds": 2, "rate": 0.5, "deep": True, "backoff": "none"}
    assert room.posted() == [("/api/services/database/failures/slow_query", {"active": True, "params": params})]
    assert done.code == 0
    assert done.out.startswith("database: failure slow_query (min_seconds 2, rate 0.5,")
    assert done.out.endswith("is on\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-5", -5), ("0.1", 0.1), (".5", 0.5), ("1e3", 1000.0), ("true", True), ("false", False)],
)
def test_numbers_and_booleans_become_json(text: str, value: Any) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)


@pytest.mark.parametrize("text", ["5s", "nan", "inf", "1e999", "", "True", "1_000", "\u0665", "full_jitter"])
def test_everything_else_stays_text(text: str) -> None:
    assert typed(text) == text


def test_writes_are_json_with_the_token_and_without_an_origin(
    room: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", "secret")
    lab("defend", "frontend", "circuit_breaker")
    headers = room.seen[0].headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer secret"
    assert "Origin" not in headers


def test_a_missing_token_is_explained(room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/traffic"] = 401, {"title": "A token is needed", "status": 401}
    done = lab("traffic", "5")
    assert done.code == 1
    assert "LAB_TOKEN" in done.err


def test_a_refused_parameter_is_told_with_its_field_and_what_is_allowed(room: Room, lab: Lab) -> None:
    allowed = {"type": "number", "minimum": 0, "maximum": 60, "unit": "s"}
    refusal = a_problem(422, detail="min_seconds must be from 0 to 60 s", field="min_seconds", allowed=allowed)
    room.answers["POST", "/api/services/database/failures/slow_query"] = refusal
    done = lab("fail", "database", "slow_query", "min_seconds=99")
    assert done.code == 1
    assert done.out == ""
    for words in ("A parameter is not valid: min_seconds must be", "field: min_seconds", "number from 0 to 60 s"):
        assert words in done.err


@pytest.mark.parametrize(
    ("given", "field", "allowed", "meant"),
    [
        ("min_second=1", "min_second", ["max_seconds", "min_seconds"], "did you mean min_seconds"),
        ("backoff=ful_jitter", "backoff", ["none", "full_jitter"], "did you mean full_jitter?"),
    ],
)
def test_a_mistyped_parameter_or_choice_is_guessed(
    room: Room, lab: Lab, given: str, field: str, allowed: list[str], meant: str
) -> None:
    room.answers["POST", "/api/services/database/failures/slow_query"] = a_problem(422, field=field, allowed=allowed)
    assert meant in lab("fail", "database", "slow_query", given).err


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("fail databse slow_query", "did you mean database?"),
        ("fail database slow-query", "did you mean slow_query?"),
        ("fail database slowquery", "did you mean slow_query?"),
        ("fail api slow_query", "./scripts/lab fail database slow_query"),
        ("fail frontend circuit_breaker", "./scripts/lab defend frontend circuit_breaker"),
        ("fail database xyz", "failures of database: slow_query"),
    ],
)
def test_a_wrong_name_is_answered_with_what_was_meant(room: Room, lab: Lab, words: str, advice: str) -> None:
    command, service, name = words.split()
    room.answers["POST", f"/api/services/{service}/failures/{name}"] = NOT_FOUND
    done = lab(command, service, name)
    assert done.code == 1
    assert advice in done.err


def test_names_cannot_leave_their_place_in_the_address(room: Room, lab: Lab) -> None:
    room.answers["POST", "/api/services/..%2Freset/failures/x%3Fy"] = NOT_FOUND
    assert lab("fail", "../reset", "x?y").code == 1
    assert room.seen[0].path == "/api/services/..%2Freset/failures/x%3Fy"


def test_fail_without_names_lists_what_there_is(room: Room, lab: Lab) -> None:
    done = lab("fail", "api")
    assert done.code == 2
    assert "memory_leak  mb_per_request=20.0" in done.err
    assert "slow_query" not in done.err
    assert room.posted() == []


ON = a_state(
    services={
        "api": a_service(active={"failure": {"latency": {}, "memory_leak": {}}, "defence": {"load_shedding": {}}}),
        "database": a_service(active={"failure": {"slow_query": {}}}),
    }
)


@pytest.mark.parametrize(
    ("words", "switched_off"),
    [
        ("heal", ["api/failures/latency", "api/failures/memory_leak", "database/failures/slow_query"]),
        ("heal api", ["api/failures/latency", "api/failures/memory_leak"]),
        ("heal api latency", ["api/failures/latency"]),
        ("undefend", ["api/defences/load_shedding"]),
        ("undefend database", []),
    ],
)
def test_heal_and_undefend_switch_off_what_is_on(room: Room, lab: Lab, words: str, switched_off: list[str]) -> None:
    room.states = [ON]
    done = lab(*words.split())
    assert done.code == 0
    assert room.posted() == [(f"/api/services/{path}", {"active": False, "params": {}}) for path in switched_off]
    assert switched_off or "nothing to do" in done.out


def test_heal_says_so_when_a_service_is_silent(room: Room, lab: Lab) -> None:
    room.states = [
        a_state(services={"api": a_service(up=False), "database": a_service(active={"failure": {"hang": {}}})})
    ]
    done = lab("heal", "--json")
    assert done.code == 1
    assert [document["name"] for document in done.documents[0]["switched_off"]] == ["hang"]
    assert "infra heal api" in done.err


def test_heal_of_an_unknown_service_changes_nothing(room: Room, lab: Lab) -> None:
    done = lab("heal", "databas")
    assert done.code == 1
    assert "did you mean database?" in done.err
    assert room.posted() == []


def test_set_changes_a_setting_and_puts_it_back(room: Room, lab: Lab) -> None:
    assert lab("set", "api", "pool", "size=20").out == "api: setting pool (size 20) is on\n"
    assert lab("set", "api", "pool", "--default").out == "api: setting pool is back at its default\n"
    assert [body["active"] for _, body in room.posted()] == [True, False]


@pytest.mark.parametrize(
    "words", ["set api pool", "set api pool size=3 --default", "set api pool size", "fail api x =3"]
)
def test_what_makes_no_sense_is_a_usage_error(room: Room, lab: Lab, words: str) -> None:
    assert lab(*words.split()).code == 2
    assert room.posted() == []
