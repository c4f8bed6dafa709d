"""Recognising processes, and ending only one's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from labcli import processes
from labcli.processes import Identity, stop_all

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_a_process_is_recognised_while_it_lives(sleeper: subprocess.Popen[bytes]) -> None:
    identity = Identity.of(sleeper.pid)
    assert identity is not None
    assert identity.is_alive
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.is_alive, "dead and not yet buried is dead"
    sleeper.wait()
    assert not identity.is_alive
    assert Identity.of(sleeper.pid) is None


def test_ps_tells_the_same_where_there_is_no_proc(sleeper: subprocess.Popen[bytes]) -> None:
    found = processes._from_ps(sleeper.pid)
    assert found is not None
    assert found == processes._from_ps(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert processes._from_ps(sleeper.pid) is None


def test_another_process_with_the_same_id_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    """The id in an old record may belong to somebody else by now."""
    somebody = Identity(sleeper.pid, "long ago")
    assert not somebody.is_alive
    somebody.send(signal.SIGKILL)
    somebody.send_to_group(signal.SIGKILL)
    assert stop_all([somebody], 1) == []
    assert sleeper.poll() is None


def test_whoever_does_not_end_when_asked_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        identity = Identity.of(child.pid)
        assert identity is not None
        clock = iter(range(1000))
        stopped = stop_all([identity], 5, clock=lambda: next(clock), sleep=lambda _: None)
        assert stopped == [identity]
        assert child.wait() == -signal.SIGKILL
