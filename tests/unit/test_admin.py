"""The admin plane: who may change a service, and what comes too late to change it."""

from __future__ import annotations

import errno
import os
import socket
import stat
import threading
import time

import pytest

from services.common.calls.call import DEADLINE, EPOCH
from services.common.process.admin import create_admin_app
from services.common.process.admin_server import AdminServer
from services.common.process.secret import Secret
from services.common.process.service import Service

LATENCY = "/admin/switches/failure/latency"
ON = {"active": True}


@pytest.fixture
def service(make_settings):
    service = Service(make_settings("api"))
    service.start()
    yield service
    service.switches.reset()


@pytest.fixture
def http(service):
    return create_admin_app(service).test_client()


@pytest.fixture
def secret(service):
    return Secret(service.settings.secret_file).make()


@pytest.fixture
def control_room(http, secret):
    """The same plane, for who has the secret."""

    def post(path, body, **headers):
        return http.post(path, json=body, headers={"Authorization": f"Bearer {secret}", **headers})

    return post


@pytest.mark.parametrize("path", [LATENCY, "/admin/reset", "/admin/nothing"])
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {secret}", "{secret} x"]
)
def test_nobody_changes_anything_without_the_secret(service, http, secret, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.format(secret=secret)}
    answer = http.post(path, json=ON, headers=headers)
    assert (answer.status_code, answer.json["reason"]) == (401, "not_the_control_room")
    assert service.switches.active()["failure"] == {}


def test_before_a_secret_is_made_nobody_changes_anything_and_afterwards_it_is_found(service, http):
    assert http.post(LATENCY, json=ON, headers={"Authorization": "Bearer "}).status_code == 401
    made = Secret(service.settings.secret_file).make()
    assert http.post(LATENCY, json=ON, headers={"Authorization": f"Bearer {made}"}).status_code == 200


def test_a_secret_that_was_made_anew_is_found(service, http, secret):
    assert http.post(LATENCY, json=ON, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    service.settings.secret_file.unlink()
    again = Secret(service.settings.secret_file).make()
    assert again != secret
    assert http.post(LATENCY, json=ON, headers={"Authorization": f"Bearer {again}"}).status_code == 200
    assert http.post(LATENCY, json=ON, headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_the_secret_is_its_owners_alone_and_two_who_make_it_at_once_have_the_same(tmp_path):
    path, made = tmp_path / "folder" / "secret", []
    threads = [threading.Thread(target=lambda: made.append(Secret(path).make())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1 and len(made[0]) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


RUBBISH = [b"", b"x", b"\xff" * 40, b"one line\n" * 5, "\u00e4".encode() * 40]


@pytest.mark.parametrize("kept", RUBBISH)
def test_what_is_no_secret_is_made_anew_and_lets_nobody_in(service, http, kept):
    service.settings.secret_file.write_bytes(kept)
    said = kept.decode("latin-1").strip()
    for given in ("", said if "\n" not in said else "one line"):
        assert http.post(LATENCY, json=ON, headers={"Authorization": f"Bearer {given}"}).status_code == 401
    made = Secret(service.settings.secret_file).make()
    assert len(made) >= 32 and Secret(service.settings.secret_file).make() == made
    assert http.post(LATENCY, json=ON, headers={"Authorization": f"Bearer {made}"}).status_code == 200


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_secret_that_is_there_is_taken_where_nothing_can_be_written(tmp_path, monkeypatch, number):
    """A full disk, or a volume that somebody else filled and that is mounted to be read."""

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    made = Secret(tmp_path / "secret").make()
    for call in ("mkdir", "link", "open"):
        monkeypatch.setattr(os, call, refuse)
    assert Secret(tmp_path / "secret").make() == made


@pytest.mark.parametrize("host", ["api-1:9000", "localhost", "127.0.0.1:9001", "[::1]:9001", "10.0.0.7"])
def test_those_who_mean_this_service_read(http, host):
    for path in ("/healthz", "/metrics", "/admin/state"):
        assert http.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "frontend", "api.evil.example:9000", "", "[::1%25eth0]", "[::1"])
def test_a_page_whose_name_was_made_to_point_here_reads_nothing(http, host):
    for path in ("/healthz", "/metrics", "/admin/state"):
        answer = http.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json["reason"]) == (421, "wrong_host")


def test_without_containers_a_service_has_no_name_of_its_own(make_settings):
    """There is no network in which it would be known: whoever asks for it has it from a DNS of somebody else's."""
    http = create_admin_app(Service(make_settings("api", LAB_MODE="local"))).test_client()
    assert http.get("/admin/state", headers={"Host": "127.0.0.1:9001"}).status_code == 200
    assert http.get("/admin/state", headers={"Host": "api:9001"}).status_code == 421


def test_a_press_from_before_a_reset_is_refused_after_it(service, control_room):
    assert control_room(LATENCY, ON, **{EPOCH: "4"}).status_code == 200
    assert control_room("/admin/reset", {}, **{EPOCH: "5"}).json == {"epoch": 5}
    late = control_room(LATENCY, ON, **{EPOCH: "4"})
    assert (late.status_code, late.json["reason"]) == (409, "overtaken")
    assert service.switches.active()["failure"] == {}
    assert control_room(LATENCY, ON, **{EPOCH: "5"}).status_code == 200


def test_an_older_reset_does_not_undo_what_came_after_a_newer_one(service, control_room):
    control_room("/admin/reset", {}, **{EPOCH: "5"})
    control_room(LATENCY, ON, **{EPOCH: "5"})
    assert control_room("/admin/reset", {}, **{EPOCH: "4"}).status_code == 409
    assert "latency" in service.switches.active()["failure"]


def test_the_epoch_outlives_a_crash(service, control_room, make_settings):
    control_room("/admin/reset", {}, **{EPOCH: "5"})
    after = Service(make_settings("api"))
    after.start()
    assert after.state(15).epoch == 5


@pytest.mark.parametrize("epoch", ["-1", "1.5", "x", "9" * 19, "\u0663"])
def test_an_epoch_is_a_number(control_room, epoch):
    answer = control_room(LATENCY, ON, **{EPOCH: epoch})
    assert (answer.status_code, answer.json["field"]) == (422, EPOCH)


def test_what_was_read_after_its_caller_had_given_up_is_not_done(service, control_room):
    late = control_room(LATENCY, ON, **{DEADLINE: repr(time.time() - 0.1)})
    assert (late.status_code, late.json["reason"]) == (408, "too_late")
    assert service.switches.active()["failure"] == {}
    assert control_room(LATENCY, ON, **{DEADLINE: repr(time.time() + 10)}).status_code == 200


@pytest.mark.parametrize("name", ["Content-Length ", "Content Length", "Content-Length\x0b"])
def test_a_header_whose_name_is_none_is_refused_and_its_body_is_no_next_request(service, name):
    """Some would read a length there and others none: what follows must not be taken for a request."""
    server = AdminServer("127.0.0.1", 0, create_admin_app(service))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    body = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    try:
        with socket.create_connection(server.server_address, timeout=5) as connection:
            head = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{name}: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1
