"""Health probes of one instance: over its worker pool as a request, or beside it on the admin plane."""

from __future__ import annotations

from services.common.calls.call import HEALTH
from services.common.calls.session import answers, new_session
from services.common.http.problems import Starting
from services.common.process.settings import Settings

READY, DEEP = "/readyz", "?deep=1"


class InstanceProbe:
    """Asks an instance of the peer whether it is well."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = new_session(8)

    def __call__(self, instance: str, deep: bool, beside: bool, timeout_seconds: float) -> bool:
        """Whether it says so in time. `deep` asks the services behind it, too; `beside` is not over its worker pool."""
        urls = self._settings.admin_urls if beside else self._settings.data_urls
        path = (READY if beside else HEALTH) + (DEEP if deep else "")
        return answers(self._session, urls[instance] + path, timeout_seconds)


class OwnProbe:
    """Asks this very instance over its worker pool, as an orchestrator's liveness probe does."""

    def __init__(self, data_port: int) -> None:
        self._url = f"http://127.0.0.1:{data_port}{HEALTH}"

    def __call__(self, timeout_seconds: float) -> bool:
        """Whether a worker thread answers in time; each probe has a connection of its own.

        One that is starting is alive: orchestrators give it its time (Kubernetes: a startup probe).
        """
        with new_session(1) as session:
            return answers(session, self._url, timeout_seconds, reasons=(Starting.reason,))
