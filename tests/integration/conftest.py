"""One local lab for all tests here; each starts from its defaults."""

from __future__ import annotations

import pytest

from tests.support.local import local_lab


@pytest.fixture(scope="session")
def lab():
    with local_lab() as lab:
        yield lab


@pytest.fixture(autouse=True)
def healthy_before(lab):
    """Each test starts from the defaults."""
    assert lab.reset()["status"] == "GREEN"
