"""up --local and down --local, as far as they need no services: ports, records, leftovers."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcli import local, venv
from labcli.config import Config
from labcli.lock import alone
from labcli.plan import Folder, Plan
from labcli.processes import Identity
from labcli.record import Record, Running
from tests.unit.cli.conftest import Clock, Lab


@pytest.fixture
def folder(repo: Path) -> Folder:
    folder = Folder(repo / ".lab" / "local-0")
    folder.logs.mkdir(parents=True)
    return folder


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def identity_of(pid: int) -> Identity:
    identity = Identity.of(pid)
    assert identity is not None
    return identity


def test_down_with_nothing_up_says_so(repo: Path, lab: Lab) -> None:
    done = lab("down", "--local")
    assert done.code == 0
    assert "no local lab is up" in done.out
    assert lab("down", "--local", "--json").documents == [{"mode": "local", "status": "was not up"}]


def test_a_second_up_says_where_the_first_is(folder: Folder, lab: Lab) -> None:
    Record(identity_of(os.getpid())).save(folder)
    done = lab("up", "--local")
    assert done.code == 0
    assert done.out == "already up at http://127.0.0.1:8080\n"


def test_up_names_who_holds_a_port_and_the_way_out(repo: Path, lab: Lab, free_ports: dict[str, int]) -> None:
    with socket.create_server(("127.0.0.1", free_ports["LAB_PORT"])):
        done = lab("up", "--local")
    assert done.code == 1
    assert f"port {free_ports['LAB_PORT']} (control-room) is held by" in done.err
    assert f"(pid {os.getpid()})" in done.err
    assert "--port-offset 100" in done.err
    assert not (repo / ".lab" / "venv").exists(), "nothing was begun"


def test_down_ends_what_a_killed_supervisor_left_and_nobody_else(
    folder: Folder, lab: Lab, sleeper: subprocess.Popen[bytes]
) -> None:
    gone = Identity(2**22 + 1, "long ago")
    somebody = Identity(os.getpid(), "another process had this id once")
    left = Running("running", 1, (identity_of(sleeper.pid), gone, somebody))
    Record(gone, {"api": left}).save(folder)
    folder.log("api").write_text("what happened\n")
    folder.state("api").mkdir(parents=True)
    assert lab("down", "--local").code == 0
    assert sleeper.wait(5) != 0
    assert [path.name for path in folder.path.iterdir()] == ["logs"]
    assert folder.log("api").read_text() == "what happened\n"


def test_up_tells_of_the_leftovers_that_it_clears_away(
    folder: Folder, lab: Lab, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    Record(Identity(2**22 + 1, "x"), {"api": Running("running", 1, (identity_of(sleeper.pid),))}).save(folder)
    monkeypatch.setattr(local, "plans", lambda config: [])
    monkeypatch.setattr(venv, "ensure", lambda ctx: Path("/nowhere/python"))
    monkeypatch.setattr(local, "_start_and_wait", lambda *_: None)
    done = lab("up", "--local")
    assert done.code == 0
    assert f"supervisor was killed; stopping what it left behind: api ({sleeper.pid})" in done.err
    assert sleeper.wait(5) != 0


@pytest.fixture
def stand_in(repo: Path, monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """A supervisor that does nothing, in front of one service that never gets ready."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*_: object, **__: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
        return started[-1]

    monkeypatch.setattr(local, "plans", lambda config: [Plan("api", (), {}, (), "http://127.0.0.1:1/readyz")])
    monkeypatch.setattr(venv, "ensure", lambda ctx: Path("/nowhere/python"))
    monkeypatch.setattr(local, "start", start)
    monkeypatch.setattr(local, "stop_all", lambda found, seconds: [os.kill(entry.pid, 9) for entry in found])
    return started


def test_a_service_that_does_not_get_ready_is_told_with_its_log_and_nothing_stays(
    folder: Folder, stand_in: list[subprocess.Popen[bytes]], lab: Lab, clock: Clock
) -> None:
    folder.log("api").write_text("".join(f"line {number}\n" for number in range(100)))
    done = lab("up", "--local")
    assert done.code == 1
    assert "api was not ready within 30 s" in done.err
    assert "line 99" in done.err
    assert "line 79\n" not in done.err
    assert 30 <= clock.now < 31
    assert stand_in[0].poll() is not None


def test_ctrl_c_during_up_stops_what_was_started(
    repo: Path, stand_in: list[subprocess.Popen[bytes]], lab: Lab, clock: Clock
) -> None:
    clock.interrupt_after(3)
    assert lab("up", "--local").code == 130
    assert stand_in[0].poll() is not None


def test_a_service_that_keeps_dying_is_not_waited_for(
    folder: Folder, stand_in: list[subprocess.Popen[bytes]], lab: Lab, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(identity_of(os.getpid()), {"api": Running("down", 3, ())})
    monkeypatch.setattr(Record, "load", lambda _: record)
    monkeypatch.setattr(Record, "is_up", False)
    folder.log("api").write_text("settings: THREADS='x'\n")
    monkeypatch.setattr(local, "_clear", lambda *_: [child.kill() for child in stand_in])
    done = lab("up", "--local")
    assert done.code == 1
    assert "api keeps ending" in done.err
    assert "settings: THREADS='x'" in done.err
    assert clock.now == 0


def test_the_environment_is_made_once_and_again_when_requirements_change(
    repo: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run(command: list[str], *, to_stderr: bool) -> int:
        ran.append(" ".join(command[1:4]))
        python = repo / ".lab" / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return 0

    (repo / "services").mkdir()
    requirements = repo / "services" / "requirements.txt"
    requirements.write_text("flask==3\n")
    monkeypatch.setattr(venv, "run", run)
    monkeypatch.setattr(local, "plans", lambda config: [])
    monkeypatch.setattr(local, "_start_and_wait", lambda *_: None)
    lab("up", "--local")
    lab("up", "--local")
    assert ran == [f"-m venv {repo}/.lab/venv", "-m pip install"]
    requirements.write_text("flask==4\n")
    lab("up", "--local")
    assert ran[3:] == ["-m pip install"]


def test_of_two_that_start_at_once_one_says_who_the_other_is(repo: Path, lab: Lab) -> None:
    with alone(Config(repo, 0, {}), "local-0"):
        done = lab("up", "--local")
    assert done.code == 1
    assert f"it is being started already: pid {os.getpid()}, since " in done.err
    assert not (repo / ".lab" / "venv").exists(), "nothing was begun"
    with alone(Config(repo, 0, {}), "local-0"):
        pass  # who has ended holds nothing


@pytest.mark.parametrize("words", [("down", "--local"), ("up", "--local")])
def test_nothing_is_deleted_behind_a_link(
    repo: Path, lab: Lab, tmp_path: Path, words: tuple[str, ...], free_ports: dict[str, int]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "photos").mkdir(parents=True)
    (elsewhere / "letter").write_text("dear")
    (repo / ".lab").mkdir()
    (repo / ".lab" / "local-0").symlink_to(elsewhere)
    done = lab(*words)
    assert done.code == 1 and "is a link" in done.err
    assert (elsewhere / "photos").is_dir() and (elsewhere / "letter").read_text() == "dear"


@pytest.mark.parametrize("name", ["state", "logs"])
def test_a_link_in_the_labs_folder_is_removed_and_not_followed(
    folder: Folder, lab: Lab, tmp_path: Path, name: str
) -> None:
    """A link that stayed would be followed by the next start, which empties the folder of each service's state."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "letter").write_text("dear")
    folder.logs.rmdir()
    (folder.path / name).symlink_to(elsewhere)
    assert lab("down", "--local").code == 0
    assert (elsewhere / "letter").read_text() == "dear"
    assert not (folder.path / name).is_symlink()


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays(repo: Path, lab: Lab, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("dear")
    (repo / ".lab").mkdir()
    (repo / ".lab" / "local-0.lock").symlink_to(letter)
    done = lab("up", "--local")
    assert done.code == 1 and "local-0.lock" in done.err and "Traceback" not in done.err
    assert letter.read_text() == "dear"


def test_a_checkout_that_cannot_be_written_is_told(repo: Path, lab: Lab) -> None:
    (repo / ".lab").write_text("no folder can be made here")
    done = lab("up", "--local")
    assert done.code == 1 and "cannot be written" in done.err and "Traceback" not in done.err


def test_a_port_that_two_would_have_is_told(repo: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORT", "9001")
    done = lab("up", "--local")
    assert done.code == 2 and "port 9001 would be control-room's and api-1's" in done.err
