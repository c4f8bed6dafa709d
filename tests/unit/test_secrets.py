"""No file of the project holds a key or a token."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", ".lab", ".venv", "__pycache__", "test-results", ".mypy_cache", ".ruff_cache", ".hypothesis"}
SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bglpat-[\w-]{20,}|\bxox[bap]-[\w-]{10,}"
    rb"|\bpypi-[\w-]{50,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|^LAB_TOKEN=.+",
    re.MULTILINE,
)


def files(folder):
    for path in folder.iterdir():
        if path.name in SKIPPED:
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def test_no_file_holds_a_key_or_a_token():
    found = [
        (path.relative_to(ROOT), match[0][:30]) for path in files(ROOT) for match in SECRETS.finditer(path.read_bytes())
    ]
    assert found == []


def test_the_search_finds_what_it_is_for():
    assert SECRETS.search(b"x\n-----BEGIN " + b"RSA PRIVATE KEY-----") and SECRETS.search(b"\nLAB_TOKEN=" + b"abc")
    assert not SECRETS.search(b"LAB_TOKEN=\nLAB_HOSTS=")
