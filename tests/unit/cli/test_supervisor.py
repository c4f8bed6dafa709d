"""The supervisor, with small real processes and a clock that only the tests move."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from labcli import supervisor as module
from labcli.config import Config
from labcli.logs import trim
from labcli.plan import Folder, Plan
from labcli.record import Record
from labcli.supervisor import MemoryLimit, Service, Supervisor
from services.common.topology import MB
from tests.conftest import wait_until

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")


class Told(list[str]):
    def __call__(self, message: str) -> None:
        self.append(message)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "local-0")
    folder.logs.mkdir(parents=True)
    return folder


@pytest.fixture
def service(folder: Folder, tmp_path: Path):
    plan = Plan("api", SLEEPER, {**os.environ}, (), "")
    service = Service(plan, folder, tmp_path, Told())
    yield service
    service.end(0)


def kill_and_wait(service: Service) -> None:
    """Kill the main process from outside, and wait until the kernel says that it is dead."""
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)
    os.waitid(os.P_PID, service.pid, os.WEXITED | os.WNOWAIT)


def test_a_process_past_its_limit_is_counted_and_then_killed(tmp_path: Path) -> None:
    hungry = f"x = bytearray({60 * MB}); print('full', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hungry], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        processes = [psutil.Process(os.getppid()), psutil.Process(child.pid)]
        small, large = MemoryLimit(tmp_path / "a", 40 * MB), MemoryLimit(tmp_path / "b", 4096 * MB)
        assert large.enforce(processes[1:]) is None
        assert child.poll() is None
        told = small.enforce(processes[1:])
        assert told is not None
        assert f"process {child.pid} passed its memory limit" in told
        assert "of 40 MB): killed, as the kernel would" in told
        assert child.wait() == -signal.SIGKILL
        assert "oom_kill 1\n" in (tmp_path / "a" / "memory.events").read_text()
        assert small.enforce(processes[1:]) is None, "who is gone is not killed again"
    assert (tmp_path / "a" / "memory.max").read_text() == f"{40 * MB}\n"
    assert "oom_kill 0\n" in (tmp_path / "b" / "memory.events").read_text()


def test_a_full_disk_does_not_keep_a_process_past_its_limit_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with subprocess.Popen(["sleep", "60"]) as child:
        limit = MemoryLimit(tmp_path, 1)
        monkeypatch.setattr(module, "write_whole", full)
        assert "passed its memory limit" in (limit.enforce([psutil.Process(child.pid)]) or "")
        assert child.wait(5) == -signal.SIGKILL


def test_a_long_log_is_cut_though_the_disk_has_no_room_for_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then room is what is wanted."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("labcli.logs.MAX_BYTES", 2)
    monkeypatch.setattr("shutil.copyfile", full)
    log = tmp_path / "api.log"
    log.write_text("much\n")
    trim(log)
    assert log.read_text() == ""


def test_the_biggest_process_is_the_one_that_is_killed(tmp_path: Path) -> None:
    class Process:
        def __init__(self, pid: int, megabytes: int) -> None:
            self.pid, self.size, self.killed = pid, megabytes * MB, False

        def memory_info(self) -> object:
            return type("Memory", (), {"rss": self.size})

        def kill(self) -> None:
            self.killed = True

    processes = [Process(1, 30), Process(2, 80), Process(3, 60)]
    MemoryLimit(tmp_path, 50 * MB).enforce(processes)  # type: ignore[arg-type]
    assert [process.killed for process in processes] == [False, True, False]


def test_a_service_that_dies_is_started_again_within_a_second(service: Service) -> None:
    service.tick(100.0)
    kill_and_wait(service)
    service.tick(200.0)
    assert (service.state, service.starts) == ("down", 1)
    service.tick(200.9)
    assert (service.state, service.starts) == ("running", 2)


def test_one_that_keeps_dying_at_once_is_started_less_and_less_often(service: Service) -> None:
    now, pauses = 0.0, []
    for _ in range(6):
        service.tick(now)
        kill_and_wait(service)
        service.tick(now := now + 0.1)
        pauses.append(round(service._due - now, 1))
        now = service._due
    assert pauses == [0.5, 1, 2, 4, 5, 5]


def test_a_new_start_finds_nothing_of_the_one_before(service: Service, folder: Folder) -> None:
    """As in a container, whose tmpfs is empty at first."""
    service.tick(0.0)
    (folder.state("api") / "switches.json").write_text("{}")
    kill_and_wait(service)
    service.tick(10.0)
    service.tick(11.0)
    assert service.starts == 2
    assert list(folder.state("api").iterdir()) == []


def test_what_is_held_is_killed_and_stays_down_until_it_is_let_go(service: Service, folder: Folder) -> None:
    service.tick(0.0)
    folder.hold("api").parent.mkdir()
    folder.hold("api").touch()
    service.tick(10.0)
    service.tick(20.0)
    assert (service.state, service.pid) == ("killed", None)
    folder.hold("api").unlink()
    service.tick(20.1)
    assert (service.state, service.starts) == ("running", 2)


def test_what_is_paused_stops_and_goes_on(service: Service, folder: Folder) -> None:
    service.tick(0.0)
    assert service.pid is not None
    folder.paused("api").parent.mkdir()
    folder.paused("api").touch()
    service.tick(1.0)
    _, status = os.waitpid(service.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert service.state == "paused"
    folder.paused("api").unlink()
    service.tick(2.0)
    _, status = os.waitpid(service.pid, os.WCONTINUED)
    assert os.WIFCONTINUED(status)
    assert service.state == "running"


def test_all_that_a_service_started_goes_with_it(folder: Folder, tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); child.wait()"
    )
    service = Service(Plan("api", (sys.executable, "-c", parent), {**os.environ}, (), ""), folder, tmp_path, Told())
    service.tick(0.0)
    wait_until(lambda: folder.log("api").read_text().endswith("\n"), "the child's id is in the log")
    child = psutil.Process(int(folder.log("api").read_text()))
    kill_and_wait(service)
    service.tick(10.0)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child is dead")
    service.end(0)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A lab of one service, whose supervisor the test runs."""
    plan = Plan("api", SLEEPER, {**os.environ}, (), "", memory_limit_bytes=512 * MB)
    monkeypatch.setattr(module, "plans", lambda config: [plan])
    return Config(tmp_path, 0, {})


def run_until(config: Config, condition, what: str) -> None:
    """Run a supervisor in a thread until the condition is true, then stop it."""
    stop = threading.Event()
    thread = threading.Thread(target=Supervisor(config).run, args=(stop,))
    thread.start()
    try:
        wait_until(condition, what)
    finally:
        stop.set()
        thread.join()


def test_the_supervisor_records_its_processes_and_ends_them(lab: Config) -> None:
    folder = Folder.of(lab)
    run_until(lab, lambda: bool(Record.load(folder).leftovers()), "the api is in the record")
    record = Record.load(folder)
    assert record.supervisor is not None
    assert record.supervisor.pid == os.getpid()
    assert (record.services["api"].state, record.services["api"].starts) == ("running", 1)
    assert record.leftovers() == {}, "nothing of it lives"


def test_the_supervisor_stops_when_its_folder_is_removed(lab: Config) -> None:
    folder = Folder.of(lab)
    supervisor = Supervisor(lab)
    thread = threading.Thread(target=supervisor.run, args=(threading.Event(),))
    thread.start()
    wait_until(lambda: bool(Record.load(folder).leftovers()), "the api runs")
    left = Record.load(folder).leftovers()["api"]
    folder.record.unlink()
    thread.join(10)
    assert not thread.is_alive()
    assert not left[0].is_alive


def test_logs_of_the_last_time_are_kept_and_long_ones_cut(lab: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder.of(lab)
    folder.logs.mkdir(parents=True)
    folder.log("api").write_text("the last time\n")
    monkeypatch.setattr("labcli.logs.MAX_BYTES", 2)
    before = folder.logs / "api.log.1"
    run_until(lab, lambda: before.exists() and before.read_text() == "up\n", "the log is cut")
    assert folder.log("api").read_text() == ""


def test_a_full_disk_is_said_once_and_ends_nothing(
    lab: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, save, full = Folder.of(lab), Record.save, [True]

    def save_unless_full(record: Record, folder: Folder) -> None:
        if record.services and full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(record, folder)

    monkeypatch.setattr(Record, "save", save_unless_full)
    told: list[str] = []
    monkeypatch.setattr(module, "tell", told.append)

    def is_back() -> bool:
        if full[0] and sum("No space left" in text for text in told) and len(told) > 1:
            full[0] = False  # somebody has made room
        return bool(Record.load(folder).leftovers())

    run_until(lab, is_back, "what runs is on record once there is room")
    assert sum("going on, though" in text for text in told) == 1


def test_a_line_that_cannot_be_written_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    module.tell("anything")
