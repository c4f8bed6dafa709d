"""The control room's door: what of a phone's call can be answered without waiting for the phone."""

from __future__ import annotations

import pytest

from services.control_room.worker import is_whole

VOTE = b'{"bet": "a/b", "choice": "c"}'


def head(start, *lines):
    return b"\r\n".join([start, b"Host: lab", *lines, b"", b""])


POST = head(b"POST /api/room/votes HTTP/1.1", b"Content-Type: application/json", b"content-length: %d" % len(VOTE))
GET = head(b"GET /api/room HTTP/1.1")


@pytest.mark.parametrize("said", [GET, POST + VOTE, POST + VOTE + GET])
def test_a_request_that_is_there_with_its_body_is_whole(said):
    assert is_whole(said)


@pytest.mark.parametrize("said", [b"", GET[:-1], POST[:-4], POST, POST + VOTE[:-1]])
def test_one_that_is_half_said_is_not(said):
    assert not is_whole(said)


@pytest.mark.parametrize("start", [b"POST /api/room/votes HTTP/1.1", b"GET /api/room HTTP/1.1"])
@pytest.mark.parametrize(
    "lines",
    [
        [b"Transfer-Encoding: chunked"],
        [b"content-length: 2", b"Transfer-encoding: chunked"],
        [b"Content-Length: x"],
        [b"Content-Length: -1"],
        [b"Content-Length:\t9"],
    ],
)
def test_a_body_of_unknown_length_is_not_waited_for(start, lines):
    assert not is_whole(head(start, *lines) + VOTE)
