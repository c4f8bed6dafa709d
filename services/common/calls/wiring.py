"""Wires a service's client: its metrics, its defences' gauges, its windows and its reset."""

from __future__ import annotations

import time

from services.common.calls.client import Lease, NoLease, PeerClient
from services.common.process.service import Service
from services.common.switches.defences.circuit_breaker import CircuitBreaker
from services.common.switches.defences.retry_budget import RetryBudget
from services.common.switches.settings import ClientSetting
from services.common.telemetry.metrics import ClientMetrics


def make_client(service: Service, peer: str, lease: Lease | None = None) -> PeerClient:
    """The client with which `service` calls `peer`; `lease` is a connection of its pool, held for one attempt."""
    metrics = ClientMetrics(service.registry, peer)
    breaker, budget = service.switches[CircuitBreaker], service.switches[RetryBudget]
    setting = service.switches[ClientSetting]
    metrics.timeout.set_function(lambda: setting.timeout_seconds)
    metrics.breaker_state.set_function(lambda: breaker.state)
    metrics.retry_tokens.set_function(lambda: budget.tokens)
    client = PeerClient(
        peer,
        service.settings.data_urls[peer],
        switches=service.switches,
        epoch=service.epoch,
        metrics=metrics,
        connections=service.settings.threads,
        lease=lease or NoLease(),
    )
    service.on_reset.append(client.clear)
    service.parts["calls"] = lambda since: client.state(since, time.monotonic())
    return client
