"""Defence: an instance that comes back gets its share little by little."""

import threading
from collections.abc import Sequence

from services.common.calls.balancing import Target
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param


class SlowStart(Defence):
    """Lets an instance that has come (back) into use have a share that grows from `first_share` to all of it.

    Envoy's slow start mode, with a linear ramp. It sees what the other defences have left.
    """

    name = "slow_start"
    brief = "slow start {window_seconds}"
    simulated = True
    story = "An instance that comes back gets its share of the requests little by little."
    window_seconds = Param(10.0, "how long it takes until an instance has its whole share", "s", 0.1, 300)
    first_share = Param(0.1, "the part of its share that it begins with", "", 0.01, 1)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._since: dict[str, float] | None = None  # when each came into use; None until the first look

    def on_stop(self) -> None:
        with self._lock:
            self._since = None

    def narrow(self, targets: Sequence[Target]) -> Sequence[Target]:
        now = self.host.clock()
        with self._lock:
            if self._since is None:
                self._since = {target.name: float("-inf") for target in targets}  # they were there before it
            self._since = {target.name: self._since.get(target.name, now) for target in targets}
            shares = {name: self._share(now - since) for name, since in self._since.items()}
        left = [target for target in targets if self.host.random.random() < shares[target.name]]
        return left or targets

    def _share(self, age_seconds: float) -> float:
        return min(1.0, self.first_share + (1 - self.first_share) * age_seconds / self.window_seconds)
