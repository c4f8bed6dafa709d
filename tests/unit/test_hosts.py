"""Who is a neighbour in the lab's own network, and who comes from outside."""

from __future__ import annotations

import pytest

from services.common.http.hosts import is_neighbour

ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010013AC	0003	0	0	0	00000000	0	0	0
eth0	000013AC	00000000	0001	0	0	0	0000FFFF	0	0	0
"""


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("172.19.0.5", True),
        ("172.19.255.254", True),
        ("172.19.0.1", False),  # the gateway: what is published comes from there
        ("172.20.0.5", False),
        ("127.0.0.1", False),
        ("192.168.1.7", False),
        ("::1", False),
        ("", False),
    ],
)
def test_a_neighbour_is_of_this_network_and_not_its_gateway(tmp_path, address, is_one):
    (tmp_path / "route").write_text(ROUTES)
    assert is_neighbour(address, tmp_path / "route") is is_one


@pytest.mark.parametrize("text", ["", "Iface\n", "Iface\nrubbish\n"])
def test_without_routes_nobody_is_one(tmp_path, text):
    (tmp_path / "route").write_text(text)
    assert not is_neighbour("172.19.0.5", tmp_path / "route")
    assert not is_neighbour("172.19.0.5", tmp_path / "nothing")
