"""The drills' calls: who may make them, what they may hold, and who is told the secret."""

from __future__ import annotations

import json

import pytest

from services.common.process.secret import Secret
from services.control_room.app import create_app
from services.control_room.drills.drill import Drill
from services.control_room.drills.drills import SECTION
from services.control_room.room.votes import MAX_VOTE_BYTES, VoteRate

HEADERS = {"Host": "localhost:8080", "Content-Type": "application/json", "Origin": "http://localhost:8080"}
TOKEN = "a secret of the lab"
ANSWERS = "/api/room/answers"
NOTICED = {"team": "Blue", "kind": "detected"}


@pytest.fixture
def settings(make_settings):
    return lambda token: make_settings("control-room", LAB_TOKEN=token)


@pytest.fixture
def make(settings):
    def make(token=TOKEN):
        app = create_app(settings(token))
        drills = app.extensions["lab"].drills
        drills._drill = Drill("slow_disk", 1, 1000.0, 20.0, 0, level=1, fault_at=1020.0)
        return app

    return make


def post(client, path, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(path, data=data, headers=HEADERS | headers)


def with_token(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


def test_a_phone_answers_without_the_token_and_is_known_by_its_cookie(make):
    phone = make().test_client()
    answer = post(phone, ANSWERS, NOTICED)
    assert answer.status_code == 200 and answer.json["drill"]["mine"]["detected"]
    assert phone.get("/api/room", headers={"Host": "localhost:8080"}).json["drill"]["mine"]["team"] == "Blue"


@pytest.mark.parametrize("path", ["/api/drill", "/api/drill/answers"])
def test_the_presenters_calls_need_the_token_where_there_is_one(make, path):
    client = make().test_client()
    body = {"action": "end"} if path == "/api/drill" else NOTICED
    assert post(client, path, body).status_code == 401
    assert post(client, path, body, **with_token()).status_code == 200


@pytest.mark.parametrize("token", [TOKEN, ""])
def test_the_secret_is_told_to_the_token_and_to_the_labs_own_secret_alone(make, settings, token):
    client = make(token).test_client()
    own = Secret(settings(token).secret_file).make()
    host = {"Host": "localhost:8080"}
    assert client.get("/api/drill", headers=host).status_code == 401
    assert client.get("/api/drill", headers=host | with_token("wrong")).status_code == 401
    assert client.get("/api/drill", headers=host | with_token(" ")).status_code == 401
    told = client.get("/api/drill", headers=host | with_token(own))
    assert told.json["drill"]["secret"]["card"] == "slow_disk"
    assert client.get("/api/drill", headers=host | with_token(token)).status_code == (200 if token else 401)


def test_another_sites_page_answers_nothing(make):
    phone = make().test_client()
    for origin in ("http://evil.example", "http://localhost:3000"):
        assert post(phone, ANSWERS, NOTICED, Origin=origin).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "detected"}, "team"),
        ({"team": "", "kind": "detected"}, "team"),
        ({"team": "   ", "kind": "detected"}, "team"),
        ({"team": "x" * 25, "kind": "detected"}, "team"),
        ({"team": "a\u202eb", "kind": "detected"}, "team"),
        ({"team": "a\nb", "kind": "detected"}, "team"),
        ({"team": ["Blue"], "kind": "detected"}, "team"),
        ({"team": "Blue"}, "kind"),
        ({"team": "Blue", "kind": "solved"}, "kind"),
        ({"team": "Blue", "kind": {}}, "kind"),
        ({"team": "Blue", "kind": "diagnosis"}, "service"),
        ({"team": "Blue", "kind": "diagnosis", "service": 7, "switch": "x"}, "service"),
        ({"team": "Blue", "kind": "diagnosis", "service": "api", "switch": "x" * 41}, "switch"),
        ({"team": "Blue", "kind": "detected", "points": 1000}, "points"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused_by_its_field(make, body, field):
    app = make()
    answer = post(app.test_client(), ANSWERS, body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
    assert app.extensions["lab"].drills.last.teams == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b'{"team": "' + b"x" * MAX_VOTE_BYTES + b'"}'])
def test_junk_is_refused_as_a_problem(make, body):
    answer = post(make().test_client(), ANSWERS, body)
    assert answer.status_code in (400, 413, 422) and answer.mimetype == "application/problem+json"


def test_a_teams_name_is_only_ever_text(make):
    body = NOTICED | {"team": "<script>alert(1)</script>"[:24]}
    answer = post(make().test_client(), ANSWERS, body)
    assert answer.json["drill"]["mine"]["team"] == body["team"] and answer.mimetype == "application/json"


def test_answers_share_their_rate_with_votes(make, monkeypatch):
    phone, taken = make().test_client(), []
    monkeypatch.setattr(VoteRate, "take", lambda self: taken.append(self))
    post(phone, ANSWERS, NOTICED)
    post(phone, "/api/room/votes", {"bet": "x", "choice": "y"})
    assert len(taken) == 2 and taken[0] is taken[1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "win"},
        {"action": "start", "level": 4},
        {"action": "start", "level": True},
        {"action": "start", "seed": 0},
        {"action": "start", "seed": 2**31},
        {"action": "board", "board": "gone"},
    ],
)
def test_what_the_presenter_cannot_mean_is_refused(make, body):
    assert post(make().test_client(), "/api/drill", body, **with_token()).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/services/api/failures/latency", {"active": True}),
        ("/api/services/api/failures/latency", {"active": False}),
        ("/api/services/traffic/settings/arrivals", {"active": True, "params": {"rps": 1}}),
        ("/api/traffic", {"rps": 1}),
        ("/api/scenes/normal", {}),
        ("/api/drill", {"action": "start"}),
    ],
)
def test_what_would_end_the_drill_or_tell_its_secret_waits(make, path, body):
    answer = post(make().test_client(), path, body, **with_token())
    assert (answer.status_code, answer.json["reason"]) == (409, "not_now")


def test_the_state_says_that_a_drill_is_on_and_no_more(make):
    state = make().test_client().get("/api/state", headers={"Host": "localhost:8080"}).json
    assert state["drill"]["phase"] == "running" and state["drill"]["result"] is None
    assert "slow_query" not in json.dumps(state)


def test_nothing_is_kept_of_an_answer_that_is_refused(make):
    app = make()
    post(app.test_client(), ANSWERS, {"team": "Blue", "kind": "solved"})
    assert app.extensions["lab"].lab.journal.section(SECTION) is None
