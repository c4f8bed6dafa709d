"""Open-loop users: Poisson arrivals that never wait for the lab."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from services.common.process.descriptors import RESERVE
from services.traffic.app import create_service
from services.traffic.users import outcome_of


class Frontend:
    """A frontend that answers at once, or never."""

    def __init__(self):
        self.answers = True
        self.connections = 0

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            if not self.answers:
                await reader.read()  # until the user has left
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def traffic(make_settings, rps, **params):
    """The traffic, from the moment that its users start to come."""
    frontend = Frontend()
    server = await asyncio.start_server(frontend.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    service, users = create_service(make_settings("traffic", FRONTEND_URL=f"http://127.0.0.1:{port}"))
    service.switches.change("setting", "arrivals", True, {"rps": rps, **params})
    task = asyncio.create_task(users.run())
    try:
        yield frontend, service, users
    finally:
        task.cancel()
        users.drop_now()
        await until(lambda: not users.waiting(), "nobody waits")
        server.close()
        await server.wait_closed()
        service.switches.reset()


async def until(condition, what, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def test_users_keep_coming_while_none_is_answered(make_settings):
    async def run():
        async with traffic(make_settings, 100) as (frontend, _, users):
            await until(lambda: users.arrivals.since(0) >= 1, "the first user")
            frontend.answers = False
            await until(lambda: len(users.waiting()) > 150, "150 wait")
            assert max(users.waiting()) < 10

    asyncio.run(run())


def test_a_change_of_rate_takes_effect_at_once(make_settings):
    async def run():
        async with traffic(make_settings, 0.001) as (_, service, users):
            await asyncio.sleep(0.05)
            service.switches.change("setting", "arrivals", True, {"rps": 200})
            await until(lambda: users.arrivals.since(0) > 20, "users at the new rate", 5)

    asyncio.run(run())


def test_patience_ends(make_settings):
    async def run():
        async with traffic(make_settings, 50, patience_seconds=0.1) as (frontend, _, users):
            await until(lambda: users.arrivals.since(0) >= 1, "the first user")
            frontend.answers = False
            users.window.clear()
            await until(lambda: users.window.since(0).ended > 10, "users left")
            assert users.window.since(0).success_ratio < 0.5

    asyncio.run(run())


def test_users_beyond_what_may_be_open_are_refused(make_settings, monkeypatch):
    monkeypatch.setattr("services.traffic.app.raise_limit", lambda: 100)

    async def run():
        async with traffic(make_settings, 200) as (frontend, service, users):
            await until(lambda: users.arrivals.since(0) >= 1, "the first user")
            frontend.answers = False
            refused = lambda: service.registry.get_sample_value("lab_user_requests_total", {"outcome": "refused"})  # noqa: E731
            await until(lambda: refused() > 10, "some are refused")
            assert len(users.waiting()) == 100 - RESERVE

    asyncio.run(run())


def test_a_reset_drops_open_connections_uncounted(make_settings):
    async def run():
        async with traffic(make_settings, 200) as (frontend, service, users):
            await until(lambda: users.arrivals.since(0) >= 1, "the first user")
            frontend.answers = False
            await until(lambda: len(users.waiting()) > 20, "20 wait")
            assert users.state(0, 0).came >= len(users.waiting())
            service.switches.change("setting", "arrivals", True, {"rps": 0})
            await asyncio.to_thread(users.drop_all)
            await until(lambda: not users.waiting(), "nobody waits")
            assert users.window.since(0).ended == 0
            assert users.state(0, 0).came == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}", "success"),
        (b"HTTP/1.1 503 Service Unavailable\r\nX-Lab-Reason: queue_full\r\n\r\n", "error"),
        (b"HTTP/1.1 503 Service Unavailable\r\nX-Lab-Reason: reset\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n", "error"),
        (b"", "error"),
        (b"junk\r\n\r\n", "error"),
    ],
)
def test_what_an_answer_means_to_a_user(answer, outcome):
    assert outcome_of(answer) == outcome
