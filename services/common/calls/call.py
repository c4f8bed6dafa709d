"""A call: what a service knows of the user request that it is working on."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

REQUEST_ID = "X-Request-ID"
REQUEST_START = "X-Request-Start"
DEADLINE = "X-Request-Deadline"
TRACE = "X-Lab-Trace"
HOPS = "X-Lab-Hops"
REASON = "X-Lab-Reason"
HEALTH = "/health"  # a path of every data plane: over the worker pool, as a request
HEALTH_CHECK_SECONDS = 0.8  # for what a deep health check asks of the service behind
EPOCH = "X-Lab-Epoch"
MAX_EPOCH_DIGITS = 18
MAX_AGE_SECONDS = 3600.0


@dataclass
class Call:
    """One request in one service.

    `sent_at` is when the caller sent it (seconds since 1970, from X-Request-Start), `started_at` when its handler
    began; the time between was spent in queues. `deadline` is when the caller stops waiting, if it said so, and
    `turn_at` when the request came out of the last queue inside the service. `attempts` are this service's own calls
    to the next one, `let_in` says that nothing at the door refused it, and `is_good` that its answer is no error.
    """

    request_id: str
    sent_at: float
    traced: bool = False
    deadline: float | None = None
    started_at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    let_in: bool = False
    is_good: bool = False
    turn_at: float | None = None
    hops_behind: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_headers(cls, headers: Mapping[str, str] | Headers) -> Call:
        """The call that these request headers tell of."""
        moment = time.time()
        request_id = headers.get(REQUEST_ID, "")
        if not (request_id.isascii() and request_id.isprintable() and 0 < len(request_id) <= 64):
            request_id = new_request_id()
        return cls(
            request_id,
            sent_at(headers.get(REQUEST_START), moment),
            TRACE in headers,
            deadline_of(headers.get(DEADLINE)),
            moment,
        )

    @property
    def queue_seconds(self) -> float:
        """Seconds between the caller's sending and the start of the handler."""
        return max(0.0, self.started_at - self.sent_at)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the handler began."""
        return time.perf_counter() - self.started

    @property
    def has_expired(self) -> bool:
        """Whether the caller has stopped waiting, as far as it said when it would."""
        return self.deadline is not None and time.time() >= self.deadline

    def hops(self, service: str, instance: str, status: int, reason: str | None) -> list[dict[str, Any]]:
        """This service's hop, then those behind it: what a test request shows."""
        own = {
            "service": service,
            "instance": instance,
            "status": status,
            "reason": reason,
            "started_at": self.started_at,
            "seconds": round(self.elapsed_seconds, 6),
            "queue_seconds": round(self.queue_seconds, 6),
            "attempts": self.attempts,
        }
        return [own, *self.hops_behind]


def sent_at(header: str | None, moment: float) -> float:
    """When X-Request-Start says that the caller sent the request; one that makes no sense counts as `moment`."""
    try:
        claimed = float(header) if header is not None else moment
    except ValueError:
        return moment
    return claimed if moment - MAX_AGE_SECONDS <= claimed <= moment else moment


def deadline_of(header: str | None) -> float | None:
    """When X-Request-Deadline says that the caller stops waiting; one that makes no sense is none."""
    try:
        claimed = float(header) if header is not None else math.nan
    except ValueError:
        return None
    return claimed if math.isfinite(claimed) else None


def new_request_id() -> str:
    """A request id of 16 hexadecimal digits."""
    return uuid.uuid4().hex[:16]
