"""The door of every service: what a reset made old is turned away without a look, and nobody keeps it open."""

from __future__ import annotations

import json
import socket
import time

import pytest

from services.common.process.epoch import Epoch
from services.common.process.worker import end, refuse_old


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def epoch():
    epoch = Epoch()
    epoch.begin(1, time.time() - 10)
    return epoch


def request(sent_at=None):
    header = "" if sent_at is None else f"X-Request-Start: {sent_at!r}\r\n"
    return f"GET /checkout HTTP/1.1\r\nHost: api\r\n{header}Accept: */*\r\n\r\n".encode()


def read(connection):
    text = b""
    while data := connection.recv(4096):
        text += data
    return text


def test_what_was_sent_before_the_reset_is_answered_and_ended(pair, epoch):
    ours, theirs = pair
    theirs.sendall(request(time.time() - 11))
    assert refuse_old(ours, epoch)
    answer = read(theirs)
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert {b"X-Lab-Reason: reset", b"Connection: close"} <= set(head.split(b"\r\n"))
    assert json.loads(body)["reason"] == "reset"


@pytest.mark.parametrize("age", [None, 1, 10**6, -10])
def test_a_request_that_is_not_known_to_be_old_is_left_as_it_came(pair, epoch, age):
    ours, theirs = pair
    sent = request(None if age is None else time.time() - age)
    theirs.sendall(sent)
    assert not refuse_old(ours, epoch)
    assert ours.recv(4096) == sent


def test_a_connection_that_says_nothing_holds_nobody_up(pair, epoch):
    assert not refuse_old(pair[0], epoch)


def test_a_caller_who_has_gone_is_no_error(pair, epoch):
    ours, theirs = pair
    theirs.sendall(request(time.time() - 11))
    theirs.close()
    refuse_old(ours, epoch)


def test_the_end_of_a_connection_waits_for_a_peer_that_closes(pair):
    ours, theirs = pair
    theirs.sendall(b"a body that nobody reads")
    theirs.close()
    end(ours, 60)  # or this test would take a minute
