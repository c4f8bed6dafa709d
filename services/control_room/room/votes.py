"""Who votes: a cookie for each device, and no more votes than the control room affords."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable

from services.common.http import problems
from services.common.switches.defences.tokens import TokenBucket

COOKIE = "lab_device"
MAX_DEVICES = 1000
MAX_VOTE_BYTES = 1024
VOTES_PER_SECOND = 100
VOTES_AT_ONCE = 400  # a full room that is told to vote now
_OWN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_cookie() -> str:
    """A name for a device that has none: by chance, so that nobody can vote in its place."""
    return secrets.token_urlsafe(16)


def device_of(cookie: str | None) -> str | None:
    """The device that sent this cookie, as votes are kept under it; None for none, and for one that is not ours."""
    if cookie is None or not _OWN.fullmatch(cookie):
        return None
    return hashlib.sha256(cookie.encode()).hexdigest()[:16]


class VoteRate:
    """How many votes a second are taken, of all devices together: behind a router they have one address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bucket = TokenBucket()
        self._bucket.fill(VOTES_AT_ONCE, clock())

    def take(self) -> None:
        """Count one vote.

        Raises:
            TooManyVotes: there are too many at once.
        """
        self._bucket.refill(self._clock(), VOTES_PER_SECOND, VOTES_AT_ONCE)
        if not self._bucket.spend():
            raise problems.TooManyVotes(f"more than {VOTES_PER_SECOND} votes a second")
