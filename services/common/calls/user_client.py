"""Test requests: what the control room sends through the frontend, as a user would."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from services.common.calls.call import HOPS, REASON, REQUEST_ID, REQUEST_START, TRACE, new_request_id
from services.common.calls.client import was_refused
from services.common.calls.session import new_session


class UserClient:
    """Sends test requests through the frontend, as a user with an X-ray."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session = new_session(16)

    def visit(self, timeout_seconds: float) -> dict[str, Any]:
        """One request: status (0 without an answer), seconds, ok, reason, request id and the hops that it took."""
        request_id = new_request_id()
        headers = {REQUEST_ID: request_id, REQUEST_START: repr(time.time()), TRACE: "1"}
        began = time.perf_counter()
        status, reason, hops = 0, None, []
        try:
            response = self._session.get(f"{self._base_url}/checkout", headers=headers, timeout=timeout_seconds)
            status, reason = response.status_code, response.headers.get(REASON)
            hops = json.loads(response.headers.get(HOPS, "[]"))
        except requests.Timeout:
            reason = "timeout"
        except requests.RequestException as error:
            reason = "refused" if was_refused(error) else "connection_broken"
        return {
            "request_id": request_id,
            "status": status,
            "ok": status == 200,
            "seconds": round(time.perf_counter() - began, 4),
            "reason": reason,
            "hops": hops,
        }

    def about(self, timeout_seconds: float) -> bool:
        """Whether the page that needs no other service answers in time."""
        try:
            return self._session.get(f"{self._base_url}/about", timeout=timeout_seconds).ok
        except requests.RequestException:
            return False
