"""Wires a service's client: its metrics, its defences' gauges, its windows and its reset."""

from __future__ import annotations

import random
import time
from functools import partial

from services.common.calls.client import Lease, NoLease, PeerClient
from services.common.calls.probes import InstanceProbe
from services.common.calls.upstream import Upstream
from services.common.process.service import Service
from services.common.switches.defences.circuit_breaker import CircuitBreaker
from services.common.switches.defences.health_checks import HealthChecks
from services.common.switches.defences.retry_budget import RetryBudget
from services.common.switches.settings import ClientSetting
from services.common.telemetry.metrics import ROLES, ClientMetrics
from services.common.topology import BY_NAME


def make_client(service: Service, lease: Lease | None = None) -> PeerClient:
    """The client with which `service` calls the next one; `lease` is a connection of its pool, for one attempt."""
    (peer,) = BY_NAME[service.name].calls
    names = [instance.name for instance in BY_NAME[peer].instances]
    metrics = ClientMetrics(service.registry, peer, names)
    breaker, budget = service.switches[CircuitBreaker], service.switches[RetryBudget]
    setting = service.switches[ClientSetting]
    metrics.timeout.set_function(lambda: setting.timeout_seconds)
    metrics.breaker_state.set_function(lambda: breaker.state)
    metrics.retry_tokens.set_function(lambda: budget.tokens)
    dice = random.Random()
    upstream = Upstream(peer, names, service.switches, dice)
    for target in upstream.targets:
        read = partial(_role, upstream, target.name)
        metrics.upstream_state.labels(peer, target.name).set_function(read)
    client = PeerClient(
        {name: service.settings.data_urls[name] for name in names},
        upstream=upstream,
        switches=service.switches,
        epoch=service.epoch,
        metrics=metrics,
        connections=service.settings.threads,
        lease=lease or NoLease(),
        rng=dice,
    )
    if HealthChecks in service.switches:
        service.switches[HealthChecks].watch(names, InstanceProbe(service.settings))
    service.on_reset.append(client.clear)
    service.parts["calls"] = lambda since: client.state(since, time.monotonic())
    return client


def _role(upstream: Upstream, name: str) -> float:
    """The number that the metric has for what an instance is to its caller."""
    target = next(target for target in upstream.targets if target.name == name)
    return float(ROLES.index(upstream.role(target)[0]))
