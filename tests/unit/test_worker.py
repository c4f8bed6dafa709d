"""The door of every service: what a reset made old is turned away without a look, and nobody keeps it open."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from services.common.process.epoch import Epoch
from services.common.process.worker import Reader, end, has_data, refuse_old


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


MUCH = b"x" * 4_000_000  # more than any buffer holds


def test_an_answer_that_its_caller_does_not_read_is_given_up_after_a_while(pair, monkeypatch):
    monkeypatch.setattr("services.common.process.worker.WRITE_SECONDS", 0.05)
    slow_readers = threading.Semaphore(1)
    with pytest.raises(ConnectionResetError):
        Reader(pair[0], slow_readers).sendall(MUCH)
    assert slow_readers.acquire(blocking=False), "its thread no longer waits"
    assert pair[0].gettimeout() is None


def test_a_caller_who_drips_has_no_more_time_than_one_who_stands_still(pair, monkeypatch):
    monkeypatch.setattr("services.common.process.worker.WRITE_SECONDS", 0.2)
    ours, theirs = pair
    over = threading.Event()

    def drip():
        while not over.wait(0.01):
            theirs.recv(1)

    dripping = threading.Thread(target=drip)
    dripping.start()
    with pytest.raises(ConnectionResetError):
        Reader(ours, threading.Semaphore(1)).sendall(MUCH)
    over.set()
    dripping.join()


def test_only_so_many_who_do_not_read_are_waited_for(pair):
    with pytest.raises(ConnectionResetError):
        Reader(pair[0], threading.Semaphore(0)).sendall(MUCH)


def test_a_caller_who_reads_gets_all_of_it(pair):
    ours, theirs = pair
    got = []
    reading = threading.Thread(target=lambda: got.append(read(theirs)))
    reading.start()
    Reader(ours, threading.Semaphore(1)).sendall(MUCH)
    ours.shutdown(socket.SHUT_WR)
    reading.join(10)
    assert got == [MUCH]


@pytest.mark.parametrize(("said", "closed", "found"), [(b"", False, False), (b"x", False, True), (b"", True, True)])
def test_whether_a_caller_has_said_something_or_gone(pair, said, closed, found):
    ours, theirs = pair
    theirs.sendall(said)
    if closed:
        theirs.close()
    assert has_data(ours) is found
