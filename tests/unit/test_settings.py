"""The environment: read once, checked as a whole."""

import os
import subprocess
import sys

import pytest

from services.common.process.settings import Settings, SettingsError


def test_defaults_are_those_of_a_container():
    settings = Settings.from_env({"SERVICE": "api"})
    assert (settings.data_port, settings.admin_port, settings.threads) == (8000, 9000, 64)
    assert settings.data_urls["database"] == "http://database:8000"
    assert not settings.local


def test_every_bad_variable_is_reported_together():
    environ = {"SERVICE": "api", "DATA_PORT": "http", "THREADS": "-1", "API_1_URL": "ftp://x", "LOG_LEVEL": "LOUD"}
    with pytest.raises(SettingsError) as error:
        Settings.from_env(environ)
    text = str(error.value)
    assert len(error.value.problems) == 4
    assert all(name in text for name in ("DATA_PORT", "THREADS", "API_1_URL", "LOG_LEVEL"))


def test_a_service_with_a_bad_environment_exits_with_2_and_says_why():
    environ = {**os.environ, "SERVICE": "traffic", "ADMIN_PORT": "0", "BIND": "everywhere"}
    command = [sys.executable, "-m", "services.traffic.app"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "ADMIN_PORT" in done.stderr and "BIND" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_number_of_thousands_of_digits_is_one_bad_variable():
    with pytest.raises(SettingsError) as error:
        Settings.from_env({"SERVICE": "api", "DATA_PORT": "9" * 5000})
    assert len(error.value.problems) == 1 and len(str(error.value)) < 200


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.7", "::"])
@pytest.mark.parametrize("token", ["", "   ", "short", "   short   "])
def test_publishing_beyond_this_machine_needs_a_token_that_is_not_guessed(bind, token):
    with pytest.raises(SettingsError, match="LAB_TOKEN"):
        Settings.from_env({"SERVICE": "control-room", "LAB_BIND": bind, "LAB_TOKEN": token})
    good = {"SERVICE": "control-room", "LAB_BIND": bind, "LAB_TOKEN": " long enough "}
    assert Settings.from_env(good).lab_token == "long enough"


@pytest.mark.parametrize("token", ["  ", "Schlüssel", "two\nlines"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token):
    with pytest.raises(SettingsError) as error:
        Settings.from_env({"SERVICE": "control-room", "LAB_TOKEN": token})
    assert "LAB_TOKEN" in str(error.value) and (not token.strip() or token not in str(error.value))
