"""The admin plane's server: connections stay open, and no request is taken for the rest of another."""

from __future__ import annotations

import http.client
import json
import socket

import pytest
from flask import Flask, request

from services.common.http.web import MAX_BODY_BYTES, install_problems
from services.common.process.admin_server import serve_admin


@pytest.fixture(scope="module")
def server():
    app = Flask("admin")
    install_problems(app)

    @app.get("/state")
    def state():
        return {"fine": True}

    @app.post("/switch")
    def switch():
        return {"length": len(request.get_data())}

    @app.post("/ignorant")
    def ignorant():
        return {"read": False}

    server = serve_admin(app, "127.0.0.1", 0)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    yield connection
    connection.close()


def ask(connection, method, path, body=None, **headers):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_many_requests_share_a_connection(connection):
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        assert ask(connection, "GET", "/state")[:2] == (200, b'{"fine":true}\n')
        assert ask(connection, "POST", "/switch", b"x" * 100)[0] == 200
        assert ask(connection, "POST", "/ignorant", b"GET /state HTTP/1.1\r\n\r\n")[0] == 200
        assert ask(connection, "HEAD", "/state")[:2] == (200, b"")
        assert ask(connection, "GET", "/nowhere")[0] == 404
    assert connection.sock is socket


def test_a_body_that_is_too_long_is_refused_and_ends_the_connection(connection):
    status, body, headers = ask(connection, "POST", "/switch", **{"Content-Length": str(MAX_BODY_BYTES + 1)})
    assert (status, json.loads(body)["status"], headers["Connection"]) == (413, 413, "close")


def test_a_body_in_chunks_is_read_and_ends_the_connection(connection):
    status, body, headers = ask(connection, "POST", "/switch", iter([b"four", b"more"]))
    assert (status, json.loads(body), headers["Connection"]) == (200, {"length": 8}, "close")


def test_who_asks_for_it_is_not_kept(connection):
    assert ask(connection, "GET", "/state", Connection="close")[2]["Connection"] == "close"


@pytest.mark.parametrize("length", ["9" * 10, "9" * 4000, "9" * 6000, "-1", "1.5", "ten", "\u00b2"])
def test_a_length_that_is_none_is_refused(server, length):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as caller:
        head = f"POST /switch HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        caller.sendall(head.encode("latin-1"))
        assert caller.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x", "", "a/b/c"])
def test_what_a_body_is_said_to_be_is_the_apps_business(connection, content_type):
    headers = {"Content-Type": content_type}
    assert ask(connection, "POST", "/switch", b"x", **headers)[:2] == (200, b'{"length":1}\n')
    status, body, _ = ask(connection, "GET", "/nowhere", **headers)
    assert status == 404 and json.loads(body)["reason"] == "not_found"
