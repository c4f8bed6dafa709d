"""The room's calls: who may make them, what they hold, and that the room's own are the only tokenless writes."""

from __future__ import annotations

import json

import pytest

from services.control_room.app import ControlRoom, create_app
from services.control_room.lab import Lab
from services.control_room.room.votes import COOKIE, MAX_VOTE_BYTES

HEADERS = {"Host": "localhost:8080", "Content-Type": "application/json", "Origin": "http://localhost:8080"}
TOKEN = "a secret of the lab"
BET = "/api/bets/retry_storm/after_it"
OPEN = ("vote", "answer_of_a_phone")  # what the room may send
ALL = {"bet": "retry_storm/after_it", "choice": "all"}


@pytest.fixture
def app(make_settings):
    return create_app(make_settings("control-room", LAB_TOKEN=TOKEN))


@pytest.fixture
def phone(app):
    return app.test_client()


def present(app, action, path=BET):
    headers = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
    answer = app.test_client().post(path, data=json.dumps({"action": action}), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def vote(phone, body=ALL, **headers):
    headers = HEADERS | {key.replace("_", "-"): value for key, value in headers.items()}
    return phone.post("/api/room/votes", data=body if isinstance(body, bytes) else json.dumps(body), headers=headers)


def room(phone):
    return phone.get("/api/room", headers={"Host": "localhost:8080"}).json


def test_a_phone_votes_without_the_token_once_for_each_cookie(app, phone):
    present(app, "open")
    assert room(phone)["voted"] is False
    first = vote(phone)
    assert first.status_code == 200 and first.json["voted"] is True
    assert vote(phone, ALL | {"choice": "none"}).json["choice"] == "none"
    other = app.test_client()
    assert vote(other).status_code == 200
    assert present(app, "close")["counts"] == [{"all": 1, "half": 0, "none": 1}]
    assert room(phone)["bet"]["counts"] == [{"all": 1, "half": 0, "none": 1}]


def test_the_cookie_is_for_this_and_no_scripts_business(phone):
    (cookie,) = phone.get("/api/room", headers={"Host": "localhost:8080"}).headers.getlist("Set-Cookie")
    assert all(part in cookie for part in (f"{COOKIE}=", "HttpOnly", "SameSite=Strict", "Path=/api/room"))


def test_a_vote_for_what_is_not_open_is_refused(app, phone):
    assert vote(phone).status_code == 409
    present(app, "open")
    present(app, "close")
    refused = vote(phone)
    assert (refused.status_code, refused.json["reason"]) == (409, "bet_closed")


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "http://localhost:8081", "null"])
def test_the_room_votes_on_the_labs_own_page_alone(app, phone, origin):
    present(app, "open")
    assert vote(phone, Origin=origin).status_code == 403
    assert present(app, "close")["counts"] == [{"all": 0, "half": 0, "none": 0}]


def test_a_form_of_another_page_cannot_vote(app, phone):
    present(app, "open")
    assert vote(phone, Content_Type="text/plain").status_code == 415
    assert vote(phone, Host="evil.example", Origin="http://evil.example").status_code == 421


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"bet": 7, "choice": "all"}, 422, "bet"),
        ({"bet": ALL["bet"]}, 422, "choice"),
        ({"bet": ALL["bet"], "choice": "<b>"}, 422, "choice"),
        (ALL | {"count": 100}, 422, "count"),
        (b"[" * 500, 400, None),
        (b" " * (MAX_VOTE_BYTES + 1), 413, None),
    ],
)
def test_a_vote_that_is_none_is_refused_and_counts_nothing(app, phone, body, status, field):
    present(app, "open")
    refused = vote(phone, body)
    assert (refused.status_code, refused.json.get("field")) == (status, field)
    assert present(app, "close")["counts"] == [{"all": 0, "half": 0, "none": 0}]


def test_nothing_else_can_be_written_without_the_token(app, phone):
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods and rule.endpoint not in OPEN]
    assert len(rules) > 5
    for rule in rules:
        path = rule.rule.replace("<service>", "api").replace("<kinds>", "failures").replace("<name>", "hang")
        path = path.replace("<scene>", "retry_storm").replace("<key>", "after_it")
        assert phone.post(path, data="{}", headers=HEADERS).status_code == 401, path


def test_votes_are_the_presenters_secret_until_the_bet_is_closed(app, phone):
    present(app, "open")
    vote(phone)
    assert phone.get(BET, headers={"Host": "localhost:8080"}).status_code == 401
    known = room(phone), phone.get("/api/bets", headers={"Host": "localhost:8080"}).json
    assert room(phone)["bet"]["counts"] is None
    assert '"counts": {' not in json.dumps(known)
    headers = {"Host": "localhost:8080", "Authorization": f"Bearer {TOKEN}"}
    assert phone.get(BET, headers=headers).json["counts"] == [{"all": 1, "half": 0, "none": 0}]


def test_without_a_token_everybody_is_the_presenter(make_settings):
    http = create_app(make_settings("control-room")).test_client()
    assert http.post(BET, data='{"action": "open"}', headers=HEADERS).json["phase"] == "open"
    assert http.get(BET, headers={"Host": "localhost:8080"}).json["counts"] == [{"all": 0, "half": 0, "none": 0}]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (BET, {"action": "shut"}, 422),
        (BET, {"action": ["open"]}, 422),
        (BET, {}, 422),
        (BET, {"action": "reveal"}, 409),
        ("/api/bets/retry_storm/no_such", {"action": "open"}, 404),
        ("/api/bets/no_such/after_it", {"action": "open"}, 404),
    ],
)
def test_what_the_presenter_gets_wrong_changes_nothing(app, path, body, status):
    headers = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
    http = app.test_client()
    assert http.post(path, data=json.dumps(body), headers=headers).status_code == status
    assert room(http)["bet"] is None


def test_a_failure_that_is_switched_on_closes_the_bet_before_it_is(app, phone, monkeypatch):
    monkeypatch.setattr("services.control_room.lab.CONTROL_TIMEOUT_SECONDS", 0.1)  # there is no service
    present(app, "open")
    headers = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
    body = json.dumps({"active": True})
    missing = phone.post("/api/services/api/failures/no_such", data=body, headers=headers)
    assert (missing.status_code, room(phone)["bet"]["phase"]) == (404, "open")
    phone.post("/api/services/api/failures/latency", data=body, headers=headers)
    assert room(phone)["bet"]["phase"] == "closed"


def test_more_votes_at_once_than_a_room_has_are_refused_with_when_to_try_again(app, phone, monkeypatch):
    monkeypatch.setattr("services.control_room.room.votes.VOTES_AT_ONCE", 0)
    refused = vote(phone)
    assert (refused.status_code, refused.json["reason"]) == (429, "too_many_votes")
    assert refused.headers["Retry-After"] == "1"


def test_a_vote_is_there_after_the_control_room_has_restarted(make_settings, monkeypatch):
    monkeypatch.setattr(Lab, "start", lambda lab: lab.journal.open())
    monkeypatch.setattr(ControlRoom, "_keep_status", lambda _: None)
    cookie = {"Cookie": f"{COOKIE}={'a' * 22}"}
    for is_restarted in (False, True):
        app = create_app(make_settings("control-room", LAB_TOKEN=TOKEN))
        app.extensions["lab"].start(None)
        phone = app.test_client(use_cookies=False)
        if not is_restarted:
            present(app, "open")
            assert vote(phone, **cookie).status_code == 200
        found = phone.get("/api/room", headers={"Host": "localhost:8080"} | cookie).json
        assert (found["choice"], found["bet"]["phase"]) == ("all", "open")
        app.extensions["lab"].lab.journal.close()
