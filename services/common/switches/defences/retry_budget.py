"""Defence: retries may only be a share of the requests."""

from services.common.calls.balancing import Target
from services.common.switches.base import Defence, Host
from services.common.switches.defences.tokens import TokenBucket
from services.common.switches.params import Param


class RetryBudget(Defence):
    """A token bucket: each first attempt earns a part of a token, each retry costs one.

    So retries stay near the given share of the requests, whatever fails (Google SRE book, "Handling Overload"; AWS
    Builders' Library, "Timeouts, retries and backoff with jitter").
    """

    name = "retry_budget"
    brief = "retry budget {ratio}"
    simulated = True
    story = "Retries are at most a share of the requests, whatever fails."
    ratio = Param(0.1, "retries for each first attempt", "", 0, 1)
    max_tokens = Param(10, "retries that may be saved up for a bad moment", "", 1, 1000)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._bucket = TokenBucket()

    @property
    def tokens(self) -> float:
        """Retries that may be sent now."""
        return self._bucket.tokens

    def on_start(self) -> None:
        self._bucket.fill(self.max_tokens)

    def on_stop(self) -> None:
        self._bucket.fill(0.0)

    def may_retry(self) -> bool:
        return self._bucket.spend()

    def after_attempt(self, outcome: str, is_retry: bool, target: Target) -> None:
        if not is_retry:
            self._bucket.earn(self.ratio, self.max_tokens)
