"""The HTTP client for the control room."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from services.common.topology import CONTROL_ROOM

from .config import Config
from .errors import Refused, Unreachable
from .infra_record import touched

READ_SECONDS = 5.0
WRITE_SECONDS = 15.0  # starting a scene resets first, and a reset may take three seconds
LINE_SECONDS = 40.0  # a test request may take 25 s before its line comes
MAX_ERROR_BYTES = 100_000

Document = dict[str, Any]

# The lab is on this machine or near it: a proxy that the environment names knows nothing of it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ControlRoom:
    """The control room at one address, which `url` tells.

    Every call raises Refused for what the control room refuses, and Unreachable when there is no answer.
    """

    def __init__(self, config: Config, url: Callable[[], str]) -> None:
        self._config = config
        self._url = url

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return self._url()

    def get(self, path: str, timeout: float = READ_SECONDS) -> Document:
        """Read a document."""
        return self._document(self._request("GET", path), timeout)

    def get_secret(self, path: str, secret: str = "") -> Document:
        """Read what is the presenter's alone: it needs the token where there is one, or another secret."""
        return self._document(self._request("GET", path, secret=secret or self._config.token), READ_SECONDS)

    def text(self, path: str, host: str, timeout: float = READ_SECONDS) -> str:
        """Read what is no document, as somebody reads it who knows the lab under another host's name."""
        request = self._request("GET", path)
        if host:
            request.add_header("Host", host)
        try:
            with self._open(request, timeout) as response:
                return response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def post(self, path: str, body: Document, timeout: float = WRITE_SECONDS) -> Document:
        """Send a document, and read the answer."""
        return self._document(self._request("POST", path, body), timeout)

    def get_text(self, path: str, timeout: float = READ_SECONDS) -> str:
        """Read a text that is the presenter's alone: it needs the token where there is one."""
        try:
            with self._open(
                self._request("GET", path, accept="text/markdown, */*", secret=self._config.token), timeout
            ) as response:
                return response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def post_lines(self, path: str, body: Document) -> Iterator[Document]:
        """Send a document, and yield the documents of the answer as they come, a line each."""
        request = self._request("POST", path, body)
        try:
            with self._open(request, LINE_SECONDS) as response:
                for line in response:
                    yield self._parsed(line)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _request(
        self,
        method: str,
        path: str,
        body: Document | None = None,
        *,
        accept: str = "application/json",
        secret: str = "",
    ) -> urllib.request.Request:
        """A request with the headers that the control room wants; a write has the token, too."""
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
            secret = self._config.token
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        data = None if body is None else json.dumps(body).encode()
        # Config has checked that the address is http or https.
        return urllib.request.Request(self.url + path, data, headers, method=method)

    def _document(self, request: urllib.request.Request, timeout: float) -> Document:
        """The answer to a request."""
        try:
            with self._open(request, timeout) as response:
                return self._parsed(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _open(self, request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
        """The response, if it is a good one."""
        try:
            response: http.client.HTTPResponse = _opener.open(request, timeout=timeout)
            return response
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, error.read(MAX_ERROR_BYTES)) from None

    def _refusal(self, status: int, body: bytes) -> Refused | Unreachable:
        """What an error answer means; one that is no problem document comes from something else."""
        try:
            problem = json.loads(body)
        except ValueError:
            problem = None
        if not isinstance(problem, dict) or "title" not in problem:
            return self._not_ours(f"answers {status}, and not as the lab does")
        token = ("set LAB_TOKEN to the lab's token",) if status == http.HTTPStatus.UNAUTHORIZED else ()
        return Refused({"status": status, **problem}, *token)

    def _parsed(self, body: bytes) -> Document:
        """A JSON object, or Unreachable: something else listens there."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self._not_ours("answers, and not in JSON")
        return document

    def _not_ours(self, what: str) -> Unreachable:
        """Something answers there that is no control room."""
        return Unreachable(f"{self.url} {what}: is it the lab's control room?", *self._ways_out())

    def _unreachable(self, error: Exception) -> Unreachable:
        """No answer, and what to do about it."""
        reason = getattr(error, "reason", error)
        if isinstance(reason, ConnectionRefusedError):
            why = "nothing listens there"
        elif isinstance(reason, TimeoutError):
            why = "no answer in time"
        else:
            why = str(reason) or type(reason).__name__
        return Unreachable(f"the control room at {self.url} does not answer: {why}", *self._ways_out())

    def _ways_out(self) -> tuple[str, ...]:
        """How to come to a control room that answers."""
        config = self._config
        if config.namespace:
            return (f"is the lab up? kubectl --namespace {config.namespace} get pods",)
        if config.is_elsewhere:
            return ("the address is LAB_URL's: is it right, and is that lab up?",)
        if CONTROL_ROOM.name in touched(config):
            return (f"`infra` did this: {config.hint('infra heal control-room')}",)
        return (
            f"start it: {config.hint('up')}   (without Docker: {config.hint('up --local')})",
            "a lab elsewhere: --port-offset N, or LAB_URL=http://host:port",
        )


def answers_well(url: str, timeout: float = 1.0) -> bool:
    """Whether `url` answers with a status below 300 in time."""
    try:
        with _opener.open(url, timeout=timeout):
            return True
    except (OSError, http.client.HTTPException):
        return False
