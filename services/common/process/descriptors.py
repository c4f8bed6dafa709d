"""Open files: each connection is one, and the limit of a shell is often lower than what a burning lab needs."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)
WANTED = 4608  # the connections of the busiest service, and what else a process has open
RESERVE = 64  # files, pipes, the admin plane
LEAST_CONNECTIONS = 16


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one, which needs no right; the limit as it is now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < WANTED:
        log.warning("only %d files may be open here: a lab that burns wants %d (ulimit -Hn)", hard, WANTED)
    return hard


def connections_for(limit: int, most: int, others: int = 0) -> int:
    """How many connections a process may accept or open, `most` at most, where it has so many others."""
    return max(LEAST_CONNECTIONS, min(most, limit - others - RESERVE))
