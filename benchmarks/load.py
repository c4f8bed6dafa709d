"""A closed loop of a few connections, to find how many requests per second a chain of services answers at most."""

from __future__ import annotations

import http.client
import multiprocessing
import threading
import time

CONNECTIONS = 8


def requests_per_second(port: int, seconds: float) -> float:
    """Good answers per second of GET /checkout on 127.0.0.1, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(_run, (port, seconds)))


def _run(port: int, seconds: float) -> float:
    counts = [0] * CONNECTIONS
    ends_at = time.monotonic() + seconds

    def loop(index: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while time.monotonic() < ends_at:
            connection.request("GET", "/checkout")
            answer = connection.getresponse()
            answer.read()
            counts[index] += answer.status == 200

    threads = [threading.Thread(target=loop, args=(index,)) for index in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds
