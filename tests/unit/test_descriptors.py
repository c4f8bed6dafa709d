"""Open files: the limit is raised as far as it may be, and what may be open follows from it."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from services.common.process.descriptors import connections_for

CODE = """
import logging, resource
logging.basicConfig()
from services.common.process.descriptors import raise_limit
print(raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("hard", "is_said"), [(1024, True), (8192, False)])
def test_the_soft_limit_is_raised_to_the_hard_one_and_one_that_is_too_low_is_said(hard, is_said):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))

    done = subprocess.run([sys.executable, "-c", CODE], preexec_fn=limit, capture_output=True, text=True, check=True)
    assert done.stdout == f"{hard} {hard}\n"
    assert ("only 1024 files may be open here" in done.stderr) is is_said


@pytest.mark.parametrize(
    ("limit", "others", "connections"),
    [(1_000_000, 256, 4096), (1024, 0, 960), (1024, 256, 704), (256, 256, 16), (0, 0, 16)],
)
def test_connections_leave_room_for_what_else_is_open(limit, others, connections):
    assert connections_for(limit, most=4096, others=others) == connections
