"""A room of phones that vote at once: what control calls feel of it, and how soon every vote is in."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time

from benchmarks import containers
from benchmarks.fire import TIMEOUT_SECONDS, Room

PHONES = 200
WAVES = 8
WAVE_SECONDS = 2.5  # between two waves, as many as the control room takes of 100 votes a second
CALLS = 400  # as many seconds as the waves
BET = "retry_storm/after_it"
VOTE = json.dumps({"bet": BET, "choice": "all"})
VOTES_AS_HTTP = (
    "POST /api/room/votes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(VOTE)}\r\nConnection: close\r\n"
)


def _vote(port: int) -> tuple[int, list[float]]:
    return asyncio.run(_vote_in_waves(port))


async def _vote_in_waves(port: int) -> tuple[int, list[float]]:
    """How many votes were not taken, and the seconds until the last one of each wave was."""
    failed, seconds, began = 0, [], time.monotonic()
    for wave in range(WAVES):
        await asyncio.sleep(max(0.0, began + wave * WAVE_SECONDS - time.monotonic()))
        phones = [await asyncio.open_connection("127.0.0.1", port) for _ in range(PHONES)]
        pressed = time.monotonic()
        taken = await asyncio.gather(*(_press(number, *phone) for number, phone in enumerate(phones)))
        seconds.append(time.monotonic() - pressed)
        failed += taken.count(False)
    return failed, seconds


async def _press(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One phone's vote; whether it was taken."""
    try:
        writer.write(f"{VOTES_AS_HTTP}Cookie: lab_device=phone-{number:016d}\r\n\r\n{VOTE}".encode())
        answer = await asyncio.wait_for(reader.read(), TIMEOUT_SECONDS)
        return answer.startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def measure(room: Room) -> list[str]:
    """The lines of docs/performance.md."""

    def control_call(_: int) -> None:
        room.call("POST", "/api/traffic", {"rps": 4})  # a failure that is switched on would close the bet

    room.call("POST", "/api/reset", {})
    rest = room.timed(CALLS, control_call)
    room.call("POST", f"/api/bets/{BET}", {"action": "open"})
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        voting = pool.apply_async(_vote, (room.port,))
        calls = room.timed(CALLS, control_call)
        failed, seconds = voting.get(WAVES * WAVE_SECONDS + 30)
    (counts,) = room.call("POST", f"/api/bets/{BET}", {"action": "close"})["counts"]
    return [
        "| control calls | calls | failed | median | p99 | slowest |",
        "|---|---|---|---|---|---|",
        rest.row("at rest"),
        calls.row(f"{PHONES} phones vote at once, {WAVES} times"),
        f"\n{failed} of {WAVES * PHONES} votes failed, {counts['all']} devices counted; a wave was in after "
        f"{min(seconds):.2f} to {max(seconds):.2f} s.",
        *calls.failed[:5],
    ]


def report() -> None:
    """Print what was found."""
    with containers.lab():
        print(*measure(Room(containers.PORTS["LAB_PORT"])), sep="\n")
