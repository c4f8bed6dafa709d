"""The link for the room: one that a phone can follow, or a reason why there is none; and its QR code."""

from __future__ import annotations

import re

import pytest
import segno

from services.common.process.settings import Settings, SettingsError
from services.control_room.app import create_app

SHARED = {"LAB_BIND": "0.0.0.0", "LAB_TOKEN": "long enough"}


@pytest.fixture
def ask(make_settings):
    """Ask a control room of this environment for something, under the host name that a browser has."""

    def ask(path="/api/link", host="localhost:8080", **environ):
        http = create_app(make_settings("control-room", **environ)).test_client()
        return http.get(path, headers={"Host": host})

    return ask


@pytest.mark.parametrize(
    ("environ", "host", "url"),
    [
        (SHARED | {"LAB_ADDRESS": "192.168.1.7"}, "localhost:8080", "http://192.168.1.7:8080/view"),
        (SHARED | {"LAB_ADDRESS": "192.168.1.7", "LAB_PORT": "8180"}, "[::1]:8180", "http://192.168.1.7:8180/view"),
        (SHARED | {"LAB_BIND": "10.0.0.7"}, "127.0.0.1:8080", "http://10.0.0.7:8080/view"),
        (SHARED | {"LAB_BIND": "fd00::7"}, "localhost:8080", "http://[fd00::7]:8080/view"),
        (SHARED | {"LAB_HOSTS": "lab.example other"}, "localhost:8080", "http://lab.example:8080/view"),
        (SHARED, "192.168.1.7:8080", "http://192.168.1.7:8080/view"),  # where the page is open, a phone gets it too
        ({"LAB_HOSTS": "lab.example"}, "lab.example", "http://lab.example/view"),  # behind a proxy
        (SHARED | {"LAB_ADDRESS": "laptop.local"}, "laptop.local:8080", "http://laptop.local:8080/view"),
    ],
)
def test_the_link_is_where_a_phone_finds_the_lab(ask, environ, host, url):
    assert ask(host=host, **environ).json == {"url": url, "reason": ""}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "on 127.0.0.1 alone, which no phone reaches. In Docker: LAB_BIND=0.0.0.0 LAB_TOKEN="),
        ({"LAB_MODE": "local"}, "on 127.0.0.1 alone"),
        (SHARED, "start it with LAB_ADDRESS="),
    ],
)
def test_a_link_that_leads_nowhere_is_not_given_but_explained(ask, environ, words):
    answer = ask(**environ).json
    assert answer["url"] is None and words in answer["reason"]
    refused = ask("/qr.svg", **environ)
    assert refused.status_code == 404 and words in refused.json["detail"]


def test_the_code_is_that_of_the_link_dark_on_white_with_its_quiet_zone(ask):
    answer = ask("/qr.svg", **SHARED, LAB_ADDRESS="192.168.1.7")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    matrix = segno.make_qr("http://192.168.1.7:8080/view", error="m").matrix
    size = len(matrix) + 2 * 4
    assert f'viewBox="0 0 {size} {size}"' in answer.text
    assert f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>' in answer.text
    dark = re.search(r'stroke="#000" d="([^"]+)"', answer.text)[1]
    assert sum(map(int, re.findall(r"h(\d+)", dark))) == sum(map(sum, matrix))


@pytest.mark.parametrize("address", ["http://192.168.1.7", "192.168.1.7:8080", "a b", "-x", "fe80::1%eth0"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(SettingsError, match="LAB_ADDRESS"):
        Settings.from_env({"SERVICE": "control-room", "LAB_ADDRESS": address})
