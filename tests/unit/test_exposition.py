"""The lab's own writer of metrics says what prometheus_client's says, byte by byte."""

from __future__ import annotations

import importlib

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from services.common.exposition import exposition
from services.common.metrics import FINE_BUCKETS


def test_every_type_and_every_character_that_must_be_escaped():
    registry = CollectorRegistry()
    Counter("jobs", 'What "ended",\n or \\ not.', ["zone", "kind"], registry=registry).labels('a "b"', "\\c\nd").inc(3)
    Histogram("wait_seconds", "Waits.", ["peer"], registry=registry, buckets=FINE_BUCKETS).labels("api").observe(3)
    gauge = Gauge("level", "A level.", registry=registry)
    for value in (0, 1.5, 123456789.25, -2e30, float("inf"), float("nan")):
        gauge.set(value)
        assert exposition(registry) == generate_latest(registry)


@pytest.mark.parametrize("service", ["frontend", "api", "database"])
def test_every_series_of_a_service(make_settings, service):
    app = importlib.import_module(f"services.{service}.app").create_app(make_settings(service))
    registry = app.extensions["lab"].service.registry
    assert app.test_client().get("/nowhere").status_code == 404
    ours, theirs = exposition(registry).splitlines(), generate_latest(registry).splitlines()
    steady = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if b"process_" not in other]
    assert len(steady) > 200
    assert [mine for mine, _ in steady] == [other for _, other in steady]
