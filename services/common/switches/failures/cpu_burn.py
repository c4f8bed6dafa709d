"""Failure: threads that compute for nothing, so that every other thread has to wait for the interpreter."""

import threading

from services.common.switches.base import NO_CPU, Failure
from services.common.switches.params import Param

MAX_THREADS = 8  # more would keep the admin plane from its share of the interpreter


class CpuBurn(Failure):
    """A noisy neighbour inside the process: real computing, in real threads."""

    name = "cpu_burn"
    brief = "{threads} threads burn the CPU"
    simulated = NO_CPU
    story = "Threads compute for nothing; everything else in the process waits for its turn."
    threads = Param(2, "how many threads compute", "", 1, MAX_THREADS)

    _stop = threading.Event()

    def on_start(self) -> None:
        self.on_stop()
        self._stop = threading.Event()
        for _ in range(self.threads):
            threading.Thread(target=_burn, args=(self._stop,), name="cpu_burn", daemon=True).start()

    def on_stop(self) -> None:
        self._stop.set()


def _burn(stop: threading.Event) -> None:
    total = 0
    while not stop.is_set():
        for number in range(1000):
            total = (total * 31 + number) & 0xFFFFFFFF
