"""Failure: this instance runs the new release, and the new release is bad."""

from services.common.calls.call import Call
from services.common.http.problems import InjectedError
from services.common.switches.base import Failure
from services.common.switches.params import Param


class BadVersion(Failure):
    """Errors for a share of the requests, or a delay for all of them: what a canary or a rolling deploy lets in.

    Set it on one instance: `lab fail api-2 bad_version`. Switching it off is the rollback.
    """

    name = "bad_version"
    brief = "bad release: {error_ratio} fail"
    simulated = True
    story = "This instance runs a bad release: a share of its requests fails, or all of them are slow."
    error_ratio = Param(0.5, "share of its requests that fail", "", 0, 1)
    delay_seconds = Param(0.0, "how much longer each of its requests takes", "s", 0, 60)

    def before_request(self, call: Call) -> None:
        if self.delay_seconds:
            self.wait(self.delay_seconds)
        if self.host.random.random() < self.error_ratio:
            raise InjectedError("the new release failed this request")
