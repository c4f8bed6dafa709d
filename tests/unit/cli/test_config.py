"""Which lab is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcli.config import Config, read_dotenv
from labcli.errors import UsageError


def load(repo: Path, offset: int | None = None, **environ: str) -> Config:
    return Config.load(offset, environ, repo)


def test_the_environment_wins_over_dotenv_and_that_over_the_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LAB_PORT=8181\nFRONTEND_PORT=8001\n")
    config = load(tmp_path, LAB_PORT="8282")
    assert (config.port("LAB_PORT"), config.port("FRONTEND_PORT"), config.port("GRAFANA_PORT")) == (8282, 8001, 3000)


def test_the_offset_moves_every_port_and_is_part_of_every_hint(tmp_path: Path) -> None:
    config = load(tmp_path, 100)
    assert config.url == "http://127.0.0.1:8180"
    assert config.port("GRAFANA_PORT") == 3100
    assert config.hint("up") == "./scripts/lab up --port-offset 100"


def test_each_offset_has_a_project_of_its_own_unless_it_is_named(tmp_path: Path) -> None:
    assert load(tmp_path).project == "sre-failure-lab"
    assert load(tmp_path, 100).project == "sre-failure-lab-100"
    assert load(tmp_path, COMPOSE_PROJECT_NAME="ours").project == "ours"
    named = Config.load(100, {}, tmp_path, project="blue")
    assert (named.project, named.hint("down")) == ("blue", "./scripts/lab down -p blue --port-offset 100")


def test_the_offset_may_come_from_the_environment(tmp_path: Path) -> None:
    assert load(tmp_path, LAB_PORT_OFFSET="50").offset == 50
    assert load(tmp_path, 7, LAB_PORT_OFFSET="50").offset == 7


def test_lab_url_wins_over_ports(tmp_path: Path) -> None:
    assert load(tmp_path, 100, LAB_URL="http://10.0.0.7:99/").url == "http://10.0.0.7:99"


@pytest.mark.parametrize(
    "environ",
    [{"LAB_PORT": "x"}, {"LAB_PORT": "0"}, {"LAB_PORT": "70000"}, {"LAB_PORT_OFFSET": "-1"}, {"LAB_URL": "localhost"},
     {"LAB_ADDRESS": "http://10.0.0.7"}, {"LAB_ADDRESS": "10.0.0.7:8080"}],
)  # fmt: skip
def test_nonsense_is_a_usage_error_that_names_the_variable(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(environ))):
        load(tmp_path, **environ)


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "ftp://lab", "http://", "http://lab:0", "http://lab:x", "http://a b", "http://l\r\nab", "http://läb",
     "http://me:word@lab", "http://lab?x", "lab:8080", "http://lab:8080/view", "http://lab?", "http://lab#",
     "http://a..b", "http://" + "a" * 64],
)  # fmt: skip
def test_an_address_that_is_none_is_a_usage_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="LAB_URL"):
        load(tmp_path, LAB_URL=url)


@pytest.mark.parametrize("token", ["se\rcret", "secret\n", "sécret", "secret\0", "\tsecret"])
def test_a_token_that_cannot_stand_in_a_header_is_refused_and_never_shown(tmp_path: Path, token: str) -> None:
    with pytest.raises(UsageError, match="LAB_TOKEN must be") as refused:
        load(tmp_path, LAB_TOKEN=token)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://me:secret@lab", "http://me:secret@lab:99999", "http://secret@[::1"])
def test_who_is_named_in_an_address_is_never_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="LAB_URL") as refused:
        load(tmp_path, LAB_URL=url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["LAB_PORT", "LAB_PORT_OFFSET"])
def test_a_number_of_thousands_of_digits_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        load(tmp_path, **{name: "9" * 5000})


def test_a_dotenv_that_is_no_utf_8_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"# gr\xfc\xdfe\nLAB_PORT=8181\nLAB_TOKEN=gr\xfc\xdfe-secret\n")
    with pytest.raises(UsageError, match="LAB_TOKEN must be") as refused:
        load(tmp_path)
    assert "secret" not in str(refused.value)
    assert load(tmp_path, LAB_TOKEN="long enough").port("LAB_PORT") == 8181


def test_a_dotenv_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(UsageError, match=r"\.env: Is a directory"):
        load(tmp_path)


def test_two_services_cannot_share_a_port(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="LAB_PORT and FRONTEND_PORT are both 9000"):
        load(tmp_path, LAB_PORT="9000", FRONTEND_PORT="9000")


def test_an_offset_that_leaves_the_ports_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="smaller offset"):
        load(tmp_path, 60000)


def test_dotenv_knows_comments_quotes_and_spaces(tmp_path: Path) -> None:
    text = "# a comment\nA=1 # why\n B = two \nC=\"a # b\"\nD='x'\nE=\nno pair\n#F=1\n"
    (tmp_path / ".env").write_text(text)
    assert read_dotenv(tmp_path / ".env") == {"A": "1", "B": "two", "C": "a # b", "D": "x", "E": ""}


def test_no_dotenv_is_an_empty_one(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}
