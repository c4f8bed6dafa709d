"""Logs: one JSON object a line, to standard output."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

from gunicorn.glogging import Logger

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, service, message, and what was given as `extra`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in _PLAIN})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up(service: str, level: str) -> None:
    """Send every log line of this process, gunicorn's too, to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The libraries' own chatter is about single connections: the lab's metrics tell that better.
    for name in ("urllib3", "werkzeug", "asyncio"):
        logging.getLogger(name).setLevel("ERROR")


class GunicornLogger(Logger):
    """gunicorn's logger without its own handlers and format, and without a line for every request."""

    def setup(self, cfg: Any) -> None:
        """Leave everything to the root logger."""
        self.error_log.propagate = True

    def access(self, *_: Any) -> None:
        """Say nothing: each service logs what failed or was slow."""
