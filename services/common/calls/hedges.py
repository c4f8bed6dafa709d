"""Sends hedged attempts in threads: a second instance is asked while the first one still works."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from services.common.calls.balancing import Target
from services.common.calls.policy import Ended, Send

MAX_THREADS = 256
GRACE_SECONDS = 1.0  # beyond its timeout: whoever sends, ends


class Hedges:
    """Has a pool of threads from the first hedged attempt on."""

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="hedge")

    def send(self, ask: Callable[[Target], Ended], step: Send) -> tuple[Ended, bool]:
        """Ask the first instance, and after `hedge_seconds` a second one: the answer, and whether two were asked.

        Who loses works on; nobody waits for it.
        """
        ended: queue.SimpleQueue[Ended | Exception] = queue.SimpleQueue()
        self._pool.submit(_ask, ask, step.target, ended)
        try:
            return _result(ended.get(timeout=step.hedge_seconds)), False
        except queue.Empty:
            second = step.second()
        if second is None:
            return _result(ended.get(timeout=step.timeout_seconds + GRACE_SECONDS)), False
        self._pool.submit(_ask, ask, second, ended)
        first = _result(ended.get(timeout=step.timeout_seconds + GRACE_SECONDS))
        if first.problem is None:
            return first, True
        return _result(ended.get(timeout=step.timeout_seconds + GRACE_SECONDS)), True


def _ask(ask: Callable[[Target], Ended], target: Target, ended: queue.SimpleQueue[Ended | Exception]) -> None:
    try:
        ended.put(ask(target))
    except Exception as error:
        ended.put(error)


def _result(found: Ended | Exception) -> Ended:
    if isinstance(found, Exception):
        raise found
    return found
