"""OOM kills that take the whole container: they are told and counted all the same."""

from __future__ import annotations

import logging

import pytest

from services.common.process.memory import MB
from services.common.process.service import Service, begin_life
from services.traffic.app import create_service
from tests.conftest import wait_until


@pytest.fixture
def settings(make_settings):
    return make_settings("api")


def group(settings, value="1\n"):
    """What a kubelet sets on control groups of version 2."""
    (settings.cgroup_dir / "memory.oom.group").write_text(value)


def a_container(settings, monkeypatch, megabytes):
    """The life of a container whose process has grown to so many megabytes."""
    begin_life(settings)
    service = Service(settings)
    monkeypatch.setattr(service.memory, "resident_bytes", lambda: megabytes * MB)
    service.oom_kills.look()
    return service


def kills(service):
    """What the control room and Prometheus are told."""
    state = service.state(15).oom_kills
    assert f"\nlab_oom_kills_total {state:.1f}\n" in service.metrics_text().decode()
    return state


def test_a_container_that_ended_at_its_limit_is_a_kill_of_the_kernels(settings, monkeypatch):
    group(settings)
    assert kills(a_container(settings, monkeypatch, 470)) == 0
    assert kills(a_container(settings, monkeypatch, 470)) == 1
    assert kills(a_container(settings, monkeypatch, 100)) == 2


def test_a_container_that_ended_far_from_its_limit_is_none(settings, monkeypatch):
    group(settings)
    a_container(settings, monkeypatch, 400)
    assert kills(a_container(settings, monkeypatch, 400)) == 0


def test_memory_that_was_given_back_before_the_end_is_forgotten(settings, monkeypatch):
    group(settings)
    full = a_container(settings, monkeypatch, 500)
    monkeypatch.setattr(full.memory, "resident_bytes", lambda: 40 * MB)
    full.oom_kills.look()
    assert kills(a_container(settings, monkeypatch, 40)) == 0


def test_the_kernels_own_count_goes_on_from_there(settings, monkeypatch):
    group(settings)
    a_container(settings, monkeypatch, 500)
    service = a_container(settings, monkeypatch, 40)
    (settings.cgroup_dir / "memory.events").write_text("oom_kill 2\n")
    assert kills(service) == 3


def test_a_process_watches_itself_where_a_kill_would_take_the_container(settings, monkeypatch):
    group(settings)
    begin_life(settings)
    service = Service(settings)
    monkeypatch.setattr(service.memory, "resident_bytes", lambda: 500 * MB)
    service.start()
    wait_until(lambda: (settings.state_dir / "near-limit").exists(), "the mark is there")
    assert kills(a_container(settings, monkeypatch, 40)) == 1


def test_where_the_kernel_kills_the_worker_alone_nothing_is_guessed(settings, monkeypatch):
    group(settings, "0\n")
    begin_life(settings)
    service = Service(settings)
    looked = []
    monkeypatch.setattr(service.memory, "resident_bytes", lambda: looked.append(1) or 500 * MB)
    service.oom_kills.watch()
    assert not looked
    assert kills(a_container(settings, monkeypatch, 40)) == 0


@pytest.mark.parametrize(("value", "told"), [("1\n", True), ("0\n", False)])
def test_the_setting_is_in_the_log_and_in_the_state(settings, caplog, value, told):
    group(settings, value)
    with caplog.at_level(logging.WARNING):
        begin_life(settings)
    assert ("the kernel will kill the whole container" in caplog.text) is told
    assert Service(settings).state(15).oom_group is told


def test_traffic_which_has_no_master_counts_too(make_settings, monkeypatch):
    settings = make_settings("traffic")
    group(settings)
    a_container(settings, monkeypatch, 500)
    begin_life(settings)
    service, _ = create_service(settings)
    assert service.state(15).oom_kills == 1
