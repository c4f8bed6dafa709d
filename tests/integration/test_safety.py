"""The lab without Docker: where it listens, and where its token shows."""

from __future__ import annotations

import stat
import subprocess
from contextlib import suppress

import psutil
import requests

from services.common.topology import SERVICES
from tests.browser.conftest import ControlRoom
from tests.support.labs import ALL_PORTS
from tests.support.local import ROOT


def test_every_port_is_open_on_this_machine_alone(lab):
    ports = {port + lab.offset for port in ALL_PORTS}
    listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port in ports]
    assert len({address.port for address in listening}) >= 8
    assert {address.ip for address in listening} == {"127.0.0.1"}


def command_lines():
    """Of every process that has not ended meanwhile."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            yield str(process.cmdline())


def test_the_token_shows_in_no_log_page_or_process_list(lab, tmp_path):
    token = "a-token-that-shows-nowhere"
    room = ControlRoom(lab, tmp_path)
    room.start(LAB_TOKEN=token)
    try:
        cli = [str(ROOT / "scripts" / "lab"), "traffic", "3"]
        environ = {"LAB_URL": room.url, "PATH": "/usr/bin:/bin"}
        refused = subprocess.run(cli, env={**environ, "LAB_TOKEN": "wrong"}, capture_output=True, text=True, timeout=30)
        taken = subprocess.run(cli, env={**environ, "LAB_TOKEN": token}, capture_output=True, text=True, timeout=30)
        assert (refused.returncode, taken.returncode) == (1, 0)
        shown = [*map(str, (refused, taken)), *command_lines()]
        shown += [str(room.get(path)) for path in ("/api/state", "/api/events", "/api/openapi.json")]
        shown += [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
        assert any("gunicorn" in text for text in shown)
        assert not [text[:200] for text in shown if token in text]
    finally:
        room.kill()


def test_the_secret_shows_nowhere_but_in_its_file(lab):
    """Not in what anybody can read of the lab, nor in what `ps` and a look at the environment tell of its processes."""
    lab.fail("api", "latency")
    lab.heal("api", "latency")
    assert stat.S_IMODE((lab.folder / "secret").stat().st_mode) == 0o600
    files = [path for path in lab.folder.rglob("*") if path.is_file() and path.name != "secret"]
    shown = [path.read_text(errors="replace") for path in files]
    shown += [*command_lines(), *environments(lab)]
    paths = {8080: ("/", "/api/state", "/api/events", "/api/openapi.json", "/metrics")}
    paths |= dict.fromkeys((9000, 9001, 9002, 9003), ("/admin/state", "/admin/catalogue", "/metrics"))
    for port, asked in paths.items():
        for path in asked:
            shown.append(requests.get(f"http://127.0.0.1:{port + lab.offset}{path}", timeout=5).text)
    assert any("LAB_SECRET_FILE" in text for text in shown) and any("latency is on" in text for text in shown)
    assert not [text[:200] for text in shown if lab.secret in text]


def environments(lab):
    """Of every process of the lab."""
    return [str(psutil.Process(pid).environ()) for spec in SERVICES for pid in lab.processes(spec.name)]
