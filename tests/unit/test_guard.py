"""Who may call the control room: Host, Origin, content type, token, and Grafana's preflight."""

from __future__ import annotations

import pytest

from services.control_room.app import create_app
from services.control_room.page import assets as page

JSON = {"Content-Type": "application/json"}
REFUSED_ANYWAY = "/api/services/api/failures/no_such_failure"  # 404 is what an allowed write gets here


@pytest.fixture
def http(make_settings):
    return create_app(make_settings("control-room")).test_client()


@pytest.fixture
def locked(make_settings):
    return create_app(make_settings("control-room", LAB_TOKEN="secret")).test_client()


def write(http, host="localhost:8080", **headers):
    headers = {"Host": host, **JSON, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return http.post(REFUSED_ANYWAY, data='{"active": true}', headers=headers)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "192.168.1.7:9999"])
def test_the_labs_own_hosts_are_served(http, host):
    assert http.get("/api/catalogue", headers={"Host": host}).status_code == 200
    assert http.get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8080", "127.0.0.1.nip.io", "", "[::1", "a b"])
@pytest.mark.parametrize("path", ["/", "/metrics", "/api/state", "/api/events"])
def test_any_other_host_is_refused_whatever_the_path(http, host, path):
    answer = http.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json["reason"] == "wrong_host"


@pytest.mark.parametrize("address", ["127.0.0.1", "172.19.0.1", "192.168.1.7"])
def test_the_name_inside_the_network_is_known_to_neighbours_alone(make_settings, monkeypatch, address):
    neighbour = "172.19.0.5"
    monkeypatch.setattr("services.control_room.page.guard.is_neighbour", lambda found: found == neighbour)
    inside = {"Host": "control-room:8080"}
    http = create_app(make_settings("control-room")).test_client()
    assert http.get("/metrics", headers=inside, environ_base={"REMOTE_ADDR": neighbour}).status_code == 200
    assert http.get("/metrics", headers=inside, environ_base={"REMOTE_ADDR": address}).status_code == 421
    local = create_app(make_settings("control-room", LAB_MODE="local")).test_client()
    assert local.get("/metrics", headers=inside, environ_base={"REMOTE_ADDR": neighbour}).status_code == 421


def test_without_grafana_its_port_is_a_strangers(make_settings):
    http = create_app(make_settings("control-room", LAB_MODE="local")).test_client()
    assert write(http, Origin="http://localhost:8080").status_code == 404
    assert write(http, Origin="http://localhost:3000").status_code == 403
    answer = http.open("/api/reset", method="OPTIONS", headers={"Origin": "http://localhost:3000"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("mode", "framers"), [("local", "'none'"), ("containers", "http://localhost:3000 https://localhost:3000")]
)
def test_grafana_alone_may_frame_the_lab_where_there_is_one(make_settings, mode, framers):
    http = create_app(make_settings("control-room", LAB_MODE=mode)).test_client()
    policy = http.get("/embed", headers={"Host": "localhost:8080"}).headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors {framers}")


@pytest.mark.parametrize("host", ["[::1%25;script-src *]:8080", "[fe80::1%25eth0]", "[::1%eth0]"])
def test_a_zone_of_an_address_never_gets_into_the_pages_policy(http, host):
    answer = http.get("/embed", headers={"Host": host})
    assert answer.status_code == 421 and "Content-Security-Policy" not in answer.headers


def test_hosts_can_be_added(make_settings):
    http = create_app(make_settings("control-room", LAB_HOSTS="lab.example, other.example")).test_client()
    assert http.get("/api/catalogue", headers={"Host": "LAB.example:8080"}).status_code == 200


@pytest.mark.parametrize("origin", [None, "http://localhost:8080", "http://localhost:3000", "https://localhost:3000"])
def test_writes_of_the_page_of_grafana_and_of_command_lines_are_let_through(http, origin):
    headers = {"Origin": origin} if origin else {}
    assert write(http, **headers).status_code == 404


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:8081",
        "http://localhost",
        "http://127.0.0.1:3000",
        "http://[::1",
    ],
)
def test_writes_of_other_pages_are_refused(http, origin):
    answer = write(http, Origin=origin)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
def test_writes_that_a_plain_form_could_send_are_refused(http, content_type):
    assert write(http, Content_Type=content_type).status_code == 415


def test_grafanas_preflight_is_answered_with_its_headers(http):
    headers = {
        "Host": "localhost:8080",
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-grafana-action,x-grafana-device-id",
    }
    answer = http.options("/api/reset", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("content-type", "x-grafana-action", "x-grafana-device-id"))
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_a_strangers_preflight_gets_no_permission(http):
    answer = http.options("/api/reset", headers={"Host": "localhost", "Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_with_a_token_writes_need_it_and_reads_stay_open(locked):
    assert locked.get("/api/catalogue", headers={"Host": "localhost"}).status_code == 200
    assert write(locked).status_code == 401
    assert write(locked, Authorization="Bearer wrong").status_code == 401
    assert write(locked, Authorization="Basic secret").status_code == 401
    assert write(locked, Authorization="Bearer secret").status_code == 404


def test_with_a_token_grafanas_buttons_are_sent_to_the_control_room(locked):
    answer = write(locked, Origin="http://localhost:3000")
    assert answer.status_code == 401 and "use the control room" in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/api/services/nonsense/failures/hang", '{"active": true}', 404, "service"),
        ("/api/services/api/nonsense/hang", '{"active": true}', 404, "kind"),
        ("/api/services/api/failures/nonsense", '{"active": true}', 404, "name"),
        ("/api/services/api/failures/hang", '{"active": 1}', 422, "active"),
        (
            "/api/services/api/failures/latency",
            '{"active": true, "params": {"delay_seconds": 61}}',
            422,
            "delay_seconds",
        ),
        ("/api/services/api/failures/latency", '{"active": true, "params": {"delay": 1}}', 422, "delay"),
        ("/api/traffic", '{"rps": -1}', 422, "rps"),
        ("/api/traffic", "{}", 422, "rps"),
        ("/api/requests", '{"count": 21}', 422, "count"),
        ("/api/requests", '{"count": 0}', 422, "count"),
        ("/api/scenes/nonsense", "{}", 404, "name"),
        ("/api/scenes/normal", '{"narrate": "yes"}', 422, "narrate"),
        ("/api/reset", '{"hard": true}', 422, "hard"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_what_is_allowed(http, path, body, status, field):
    answer = http.post(path, data=body, headers={"Host": "localhost", **JSON})
    assert (answer.status_code, answer.json["field"]) == (status, field)
    assert answer.mimetype == "application/problem+json"
    assert "allowed" in answer.json


def test_events_refuse_a_senseless_id(http):
    answer = http.get("/api/events?after=-1", headers={"Host": "localhost"})
    assert answer.status_code == 422 and answer.json["field"] == "after"


def test_the_openapi_document_lists_every_switch_and_scene(http):
    document = http.get("/api/openapi.json", headers={"Host": "localhost"}).json
    assert "/api/services/api/failures/memory_leak" in document["paths"]
    assert "/api/scenes/full_cascade" in document["paths"]


@pytest.mark.parametrize("name", ["a" * 400, "%00", "../app.py", "..%2fapp.py", "no/such/file"])
def test_a_file_that_is_not_there_is_not_found_whatever_its_name(http, name):
    assert http.get(f"/static/{name}", headers={"Host": "localhost"}).status_code == 404


def test_one_file_is_kept_once_whatever_it_is_called(make_settings, monkeypatch):
    reads, read = [], page._read
    monkeypatch.setattr(page, "_read", lambda path, modified_ns: reads.append(path) or read(path, modified_ns))
    http = create_app(make_settings("control-room")).test_client()
    for name in ("app.js", "./app.js", "lib/../app.js"):
        http.get(f"/static/{name}", headers={"Host": "localhost"})
    assert len(reads) == 1
