"""Wires a service's client: its metrics, its defences' gauges, its windows and its reset."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from services.common.calls.call import Call
from services.common.calls.client import PeerClient
from services.common.process.service import Service
from services.common.switches.defences.circuit_breaker import CircuitBreaker
from services.common.switches.defences.retry_budget import RetryBudget
from services.common.switches.settings import ClientSetting
from services.common.telemetry.metrics import ClientMetrics


def make_client(
    service: Service, peer: str, lease: Callable[[Call], AbstractContextManager[Any]] = nullcontext
) -> PeerClient:
    """The client with which `service` calls `peer`; `lease` holds a connection of its pool for one attempt."""
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
        lease=lease,
    )
    service.on_reset.append(client.forget)
    service.parts["calls"] = lambda since: client.state(since, time.monotonic())
    return client
