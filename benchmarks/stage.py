"""The page: its weight, how soon it is there, frames a second on the stage, and what a room that watches costs."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import sys
import time
from typing import Any

from benchmarks import containers
from benchmarks.fire import VIEWERS, Room

SCENE = "full_cascade"
SETTLE_SECONDS = 25.0
FRAMES_SECONDS = 10.0
ROOM_SECONDS = 30.0
LOOK_SECONDS = 1.0  # each page looks so often
SIZE = {"width": 1920, "height": 1080}
FRAMES = """
(seconds) => new Promise((done) => {
  const began = performance.now();
  let [last, count, worst] = [began, 0, 0];
  const frame = (now) => {
    [count, worst, last] = [count + 1, Math.max(worst, now - last), now];
    if (now - began < 1000 * seconds) requestAnimationFrame(frame);
    else done([(1000 * count) / (now - began), worst]);
  };
  requestAnimationFrame(frame);
})
"""
LOADED = """
() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .filter(({ name }) => !name.includes("/api/"))
  .map(({ transferSize, decodedBodySize }) => [transferSize, decodedBodySize])
"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def report() -> None:
    """Print the lines of docs/performance.md."""
    print(f"stage: build, up, {SETTLE_SECONDS:g} s of {SCENE}, then {VIEWERS} viewers", file=sys.stderr)
    with containers.lab():
        port = containers.PORTS["LAB_PORT"]
        room = Room(port)
        print(*_page(port, room), sep="\n")
        alone, watched = _cpu(room, 0), _cpu(room, VIEWERS)
        print(f"Control room during {SCENE}: {alone:.0%} of a core, and with {VIEWERS} viewers {watched:.0%}")
        room.call("POST", "/api/reset", {})


def _page(port: int, room: Room) -> list[str]:
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(f"http://127.0.0.1:{port}/stage")
        page.wait_for_selector(".stage-figure .uplot")
        loaded, painted = page.evaluate(LOADED), page.evaluate(PAINT)
        room.call("POST", f"/api/scenes/{SCENE}", {})
        time.sleep(SETTLE_SECONDS)
        rate, worst = page.evaluate(FRAMES, FRAMES_SECONDS)
        browser.close()
    packed, plain = (sum(sizes[index] for sizes in loaded) / 1000 for index in (0, 1))
    return [
        f"Page: {packed:.0f} kB over the network, {plain:.0f} kB unpacked; first paint after {painted:.0f} ms",
        f"Stage during {SCENE}: {rate:.0f} frames a second, the longest one {worst:.0f} ms",
    ]


def _cpu(room: Room, viewers: int) -> float:
    """The share of a core that the control room takes while so many pages look at the state, one a second each."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        looking = pool.apply_async(_look_all, (room.port, viewers, ROOM_SECONDS + 2))
        time.sleep(2)
        before, began = room.metric("process_cpu_seconds_total"), time.monotonic()
        time.sleep(ROOM_SECONDS - 2)
        used, seconds = room.metric("process_cpu_seconds_total") - before, time.monotonic() - began
        looking.get(ROOM_SECONDS + 30)
    return used / seconds


def _look_all(port: int, viewers: int, seconds: float) -> None:
    asyncio.run(_look_together(port, viewers, time.monotonic() + seconds))


async def _look_together(port: int, viewers: int, ends_at: float) -> None:
    await asyncio.gather(*(_look(port, number / max(1, viewers), ends_at) for number in range(viewers)))


async def _look(port: int, offset_seconds: float, ends_at: float) -> None:
    """One page: a connection that stays open, and a look a second."""
    await asyncio.sleep(offset_seconds)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < ends_at:
        began = time.monotonic()
        writer.write(b"GET /api/state HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        await asyncio.sleep(max(0.0, began + LOOK_SECONDS - time.monotonic()))
    writer.close()


def _length(head: bytes) -> int:
    fields: dict[str, Any] = dict(
        line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line
    )
    return int(fields["content-length"])
