"""Connections that are kept open, and the plainest question over one: does it answer?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter

from services.common.calls.call import DEADLINE, REASON, REQUEST_START, TRACE


def new_session(connections: int) -> requests.Session:
    """A session that keeps up to `connections` open for each peer, reads no environment and keeps no cookies."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", HTTPAdapter(pool_connections=8, pool_maxsize=connections))
    return session


def answers(
    session: requests.Session, url: str, timeout_seconds: float, *, reasons: Sequence[str] = (), traced: bool = False
) -> bool:
    """Whether a GET is answered with 200 in time, or refused for one of these reasons.

    It says when it was sent, and when nobody waits for it any more; a `traced` one is no user's.
    """
    now = time.time()
    headers = {REQUEST_START: repr(now), DEADLINE: repr(now + timeout_seconds)} | ({TRACE: "1"} if traced else {})
    try:
        answer = session.get(url, headers=headers, timeout=timeout_seconds, allow_redirects=False)
    except requests.RequestException:
        return False
    return answer.status_code == 200 or answer.headers.get(REASON) in reasons
