"""Who holds a port."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from labcli import ports
from labcli.shell import Result


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_is_busy_while_somebody_listens(listener: int) -> None:
    assert not ports.is_free(listener)


def test_a_port_that_somebody_keeps_without_listening_is_busy_too() -> None:
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        assert not ports.is_free(kept.getsockname()[1])


def test_a_port_is_free_again_after_its_server_has_gone(listener: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert ports.is_free(port)


def test_the_holder_is_named_with_command_and_process_id(listener: int) -> None:
    holder = ports.holder(listener)
    assert f"(pid {os.getpid()})" in holder
    assert "python" in holder or "pytest" in holder


def test_a_listener_on_every_address_is_found_too() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6) as server:
        assert f"(pid {os.getpid()})" in ports.holder(server.getsockname()[1])


def test_a_holder_that_may_not_be_looked_into_is_another_users(listener: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_has_one_of", lambda *_: False)
    monkeypatch.setattr(ports, "capture", lambda *_, **__: Result(127, "", ""))
    assert ports.holder(listener) == "another user's process"


def test_a_port_that_docker_publishes_is_told_with_the_container(
    listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "_command", lambda _: "/usr/sbin/docker-proxy -proto tcp")
    monkeypatch.setattr(ports, "capture", lambda *_, **__: Result(0, "shop-web-1\n", ""))
    assert ports.holder(listener) == "the container shop-web-1"


def test_lsof_tells_it_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ports, "capture", lambda *_, **__: Result(0, "p4321\ncnode\nf12\n", ""))
    assert ports.holder(8080) == "node (pid 4321)"
