"""What goes wrong, in words for the person at the keyboard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class LabError(Exception):
    """Something did not work: what it was, and what to do about it, a line each."""

    exit_code = 1

    def __init__(self, message: str, *advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def document(self) -> dict[str, Any]:
        """The error as `--json` prints it."""
        return {"title": self.message, "advice": list(self.advice)}


class UsageError(LabError):
    """The command line or the environment says something that makes no sense."""

    exit_code = 2


class Unreachable(LabError):
    """The control room does not answer, or what answers is no control room."""


class Refused(LabError):
    """The control room said no, with a problem document (RFC 9457)."""

    def __init__(self, problem: Mapping[str, Any], *advice: str) -> None:
        self.problem = dict(problem)
        title, detail = str(problem.get("title", "The lab said no")), problem.get("detail")
        fields = [f"{name}: {_in_words(problem[name])}" for name in ("field", "allowed") if name in problem]
        super().__init__(f"{title}: {detail}" if detail else title, *fields, *advice)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.problem.get("status", 0))

    def with_advice(self, *advice: str) -> Refused:
        """The same refusal with more lines of advice."""
        return Refused(self.problem, *advice)

    def document(self) -> dict[str, Any]:
        """The problem document as it came, and the advice."""
        return {**self.problem, "advice": list(self.advice)}


def _in_words(value: Any) -> str:
    """What a field may hold: "number from 0 to 60 s", "none, exponential" or the value as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(_in_words(entry) for entry in value)
    if isinstance(value, dict) and "minimum" in value:
        bounds = f"{value.get('type', 'number')} from {value['minimum']:g}"
        if "maximum" in value:
            bounds += f" to {value['maximum']:.10g}"
        return f"{bounds} {value.get('unit', '')}".rstrip()
    return json.dumps(value)
