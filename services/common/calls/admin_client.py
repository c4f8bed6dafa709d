"""Calls of the control room to the admin plane of one instance."""

from __future__ import annotations

import time
from typing import Any

import requests

from services.common.calls.call import DEADLINE, EPOCH
from services.common.calls.session import new_session
from services.common.http import problems


class AdminClient:
    """Reads one instance's admin plane and, with the lab's secret, changes it."""

    def __init__(self, instance: str, base_url: str, secret: str) -> None:
        self.instance = instance
        self._base_url = base_url
        self._authorization = f"Bearer {secret}"
        self._session = new_session(16)

    def get(self, path: str, timeout_seconds: float) -> Any:
        """The JSON answer to GET `path`.

        Raises:
            Unreachable: no answer in time, or none that is JSON.
        """
        return self._call("GET", path, None, {"Authorization": self._authorization}, timeout_seconds)

    def post(self, path: str, body: Any, timeout_seconds: float, epoch: int) -> Any:
        """The JSON answer to POST `path`, for a call that was made in the epoch of that number.

        An instance that reads it only after the timeout, since it stood still, does nothing of it.

        Raises:
            Unreachable: no answer in time, or none that is JSON.
            Overtaken: it knows of a newer epoch, and has changed nothing.
        """
        headers = {
            "Authorization": self._authorization,
            EPOCH: str(epoch),
            DEADLINE: repr(time.time() + timeout_seconds),
        }
        return self._call("POST", path, body, headers, timeout_seconds)

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str], timeout_seconds: float) -> Any:
        # Merging the session's defaults is a sixth of the call, and there are none here.
        request = requests.Request(method, self._base_url + path, json=body, headers=headers).prepare()
        try:
            answer = self._session.send(request, timeout=timeout_seconds, allow_redirects=False)
            if answer.status_code == problems.Overtaken.status:
                raise problems.Overtaken(answer.json()["detail"])
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            raise problems.Unreachable(f"{self.instance} does not answer on its admin port") from error
