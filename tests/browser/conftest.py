"""The page in a real Chromium, over the real services as processes of this machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labcli.config import Config
from labcli.plan import admin_ports, data_ports
from services.common.topology import CHAIN, SWITCHED, instances
from tests.conftest import wait_until
from tests.support.labs import LabUnderTest
from tests.support.local import LocalLab, local_lab

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "test-results" / "browser"
EVIL = "evil.example"  # another site's name, which its owner lets point to this machine
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-background-networking",
    f"--host-resolver-rules=MAP {EVIL} 127.0.0.1",
]
WIDE, NARROW = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}
# The page may be told these: they are what a test breaks on purpose.
EXPECTED_ERRORS = re.compile(
    r"status of (401|422|503)|ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_EMPTY|ERR_CONN|ERR_INCOMPLETE"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


def missing(reason: str) -> None:
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("no Chromium on PATH: apt-get install chromium, or set CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(browser: Any) -> Iterator[LocalLab]:
    with local_lab(22_000) as lab:
        yield lab


@pytest.fixture(autouse=True)
def healthy_before(lab: LocalLab) -> None:
    """Each test starts from the defaults."""
    wait_until(lambda: lab.reset()["status"] == "GREEN", "the lab is healthy", 30)


@pytest.fixture
def open_page(browser: Any, lab: LocalLab) -> Iterator[Callable[..., Any]]:
    """Opens the page in a window of its own; afterwards no script of any of them may have failed."""
    contexts, errors = [], []

    def open_page(url: str = "", *, size: dict[str, int] | None = None, theme: str = "dark", **options: Any) -> Any:
        size = size or WIDE
        phone = {"has_touch": True, "is_mobile": True} if size == NARROW else {}
        context = browser.new_context(viewport=size, color_scheme=theme, **phone, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)  # a room of phones on two cores
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(url or lab.url)
        page.wait_for_selector(".status[data-level]")
        page.wait_for_selector(".switch", state="attached")
        page.wait_for_selector(".check", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [error for error in errors if not EXPECTED_ERRORS.search(error)] == []


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    return open_page()


def shoot(page: Any, name: str) -> None:
    """Keep a screenshot as it is now, and at the size of a phone: CI keeps them, and people look at them."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=RESULTS / f"{name}-1920x1080.png")
    page.set_viewport_size(NARROW)
    page.wait_for_timeout(600)
    page.screenshot(path=RESULTS / f"{name}-390x844.png", full_page=True)
    page.set_viewport_size(WIDE)


class ControlRoom(LabUnderTest):
    """A second control room before the lab's services, which a test may kill, start again and lock with a token."""

    def __init__(self, lab: LocalLab, folder: Path) -> None:
        super().__init__(lab.offset)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._secret_file = lab.folder / "secret"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        config = Config.load(self.offset, {})
        data, admin = data_ports(config), admin_ports(config)
        urls = {f"{each.variable}_URL": f"http://127.0.0.1:{data[each.name]}" for each in instances(CHAIN)}
        urls |= {f"{each.variable}_ADMIN_URL": f"http://127.0.0.1:{admin[each.name]}" for each in instances(SWITCHED)}
        settings = {
            "SERVICE": "control-room",
            "LAB_MODE": "local",
            "BIND": "127.0.0.1",
            "DATA_PORT": str(self.port),
            "STATE_DIR": str(self._folder),
            "LAB_SECRET_FILE": str(self._secret_file),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "gunicorn", "-c", "services/common/process/gunicorn_conf.py"]
        log = (self._folder / "control-room.log").open("ab")
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **settings, **urls, **environ}, stdout=log, stderr=log
        )
        log.close()
        wait_until(self._answers, "the control room answers", 20)

    def _answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.url}/healthz", timeout=1).status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """End it, master and worker, at once."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(8)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            self._process = None


@pytest.fixture
def control_room(lab: LocalLab, tmp_path: Path) -> Iterator[ControlRoom]:
    room = ControlRoom(lab, tmp_path)
    yield room
    room.kill()
