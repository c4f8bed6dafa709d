"""The audit asks nothing of a database that does not answer, and says so instead of finding nothing."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

AUDIT = Path(__file__).resolve().parents[2] / "scripts" / "audit"


@pytest.fixture
def audit():
    loader = importlib.machinery.SourceFileLoader("audit", str(AUDIT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("audit", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def database():
    """An advisory database that knows one package, and a mirror that knows no advisories."""
    known = {"/pypi/flask/3.1.3/json": {"vulnerabilities": []}, "/mirror/flask/3.1.3/json": {"urls": []}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(known.get(self.path, {})).encode()
            self.send_response(200 if self.path in known else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_database_that_answers_is_asked(audit, database):
    assert audit.why_not(f"{database}/pypi", "flask", "3.1.3") is None


def test_one_that_does_not_answer_is_told_from_one_that_finds_nothing(audit, database):
    assert "404" in audit.why_not(f"{database}/pypi", "flask", "9")
    assert "without a list" in audit.why_not(f"{database}/mirror", "flask", "3.1.3")
    assert "refused" in audit.why_not("http://127.0.0.1:9", "flask", "3.1.3")


def test_the_mirror_says_that_nothing_was_audited(audit, database, monkeypatch, capsys):
    monkeypatch.setattr(audit, "DATABASE", f"{database}/none")
    assert audit.main() == 0
    assert "NOT AUDITED" in capsys.readouterr().out


@pytest.mark.parametrize("code", [0, 1])
def test_else_pip_audit_decides(audit, database, monkeypatch, code):
    monkeypatch.setattr(audit, "DATABASE", f"{database}/pypi")
    monkeypatch.setattr(audit, "first_pin", lambda _: ("flask", "3.1.3"))
    done = lambda command, **_: type("Done", (), {"returncode": code})  # noqa: E731
    monkeypatch.setattr(audit.subprocess, "run", done)
    assert audit.main() == code


def test_every_file_starts_with_a_pin(audit):
    for file in audit.FILES:
        name, version = audit.first_pin(audit.ROOT / file)
        assert name and version[0].isdigit()
