"""Every module can be imported, those behind a command that no test runs, too."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks
import labcli
import simulation

MODULES = [
    module.name
    for package in (benchmarks, labcli, simulation)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", [*MODULES, "docs.generate", "grafana.generate", "grafana.render"])
def test_a_module_can_be_imported(name):
    importlib.import_module(name)
