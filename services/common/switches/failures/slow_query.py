"""Failure: queries take seconds."""

from collections.abc import Mapping
from typing import Any

from services.common.calls.call import Call
from services.common.http.problems import InvalidParameter
from services.common.switches.base import Failure
from services.common.switches.params import Param


class SlowQuery(Failure):
    """Each query holds its connection for a time uniform between two bounds, on top of its usual time."""

    name = "slow_query"
    brief = "queries up to {max_seconds} slower"
    simulated = True
    story = "Every query takes seconds, and holds its database connection all the while."
    min_seconds = Param(2.0, "the least extra time of a query", "s", 0, 60)
    max_seconds = Param(5.0, "the most extra time of a query", "s", 0, 60)
    per_request = True

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        if values["min_seconds"] > values["max_seconds"]:
            most = values["max_seconds"]
            allowed = {"type": "number", "minimum": 0, "maximum": most, "unit": "s"}
            raise InvalidParameter(
                f"min_seconds must be at most max_seconds, {most:g} s", field="min_seconds", allowed=allowed
            )

    def during_query(self, call: Call) -> None:
        self.wait(self.host.random.uniform(self.min_seconds, self.max_seconds))
