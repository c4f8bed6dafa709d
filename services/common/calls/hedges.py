"""Sends hedged attempts, each in a thread of its own: a second instance is asked while the first one still works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from services.common.calls.balancing import Target
from services.common.calls.policy import Ended, Send

GRACE_SECONDS = 1.0  # beyond its timeout: whoever sends, ends
Ends = queue.SimpleQueue[Ended | Exception]


def send_hedged(ask: Callable[[Target], Ended], step: Send) -> tuple[Ended, bool]:
    """Ask the first instance, and after `hedge_seconds` a second one: the answer, and whether two were asked.

    Who loses works on; nobody waits for it.
    """
    ends: Ends = queue.SimpleQueue()
    _start(ask, step.target, ends)
    try:
        return _result(ends.get(timeout=step.hedge_seconds)), False
    except queue.Empty:
        second = step.second()
    longest = step.timeout_seconds + GRACE_SECONDS
    if second is None:
        return _result(ends.get(timeout=longest)), False
    _start(ask, second, ends)
    first = _result(ends.get(timeout=longest))
    return (first if first.problem is None else _result(ends.get(timeout=longest))), True


def _start(ask: Callable[[Target], Ended], target: Target, ends: Ends) -> None:
    threading.Thread(target=_ask, args=(ask, target, ends), name=f"hedge {target.name}", daemon=True).start()


def _ask(ask: Callable[[Target], Ended], target: Target, ends: Ends) -> None:
    try:
        ends.put(ask(target))
    except Exception as error:
        ends.put(error)


def _result(found: Ended | Exception) -> Ended:
    if isinstance(found, Exception):
        raise found
    return found
