"""What is asked for under the wrong command is pointed to the right one."""

from __future__ import annotations

import pytest

from labcli.names import COMMANDS, UNDOING, Names, Wish
from services.common.switches.catalogue import CATALOGUE
from services.common.topology import BY_NAME
from tests.unit.cli.conftest import SCENES, Lab, Room, a_problem

NOT_FOUND = a_problem(404, detail="no such thing")
SWITCHES = [(service, switch) for service, switches in CATALOGUE.items() for switch in switches]


@pytest.mark.parametrize("active", [True, False], ids=["on", "off"])
@pytest.mark.parametrize(
    ("service", "switch"), SWITCHES, ids=[f"{service}-{switch.name}" for service, switch in SWITCHES]
)
def test_every_switch_is_found_from_the_commands_of_the_other_kinds(service, switch, active):
    verb = (COMMANDS if active else UNDOING)[switch.kind]
    names = Names.of_this_checkout()
    for asked in {service, *(instance.name for instance in BY_NAME[service].instances)}:
        for kind in set(COMMANDS) - {switch.kind}:
            (line,) = names.switch_guesses(asked, kind, switch.name, Wish(asked, active))
            assert line.startswith(f"{switch.name} is a {switch.kind} of {asked}: ")
            assert f"./scripts/lab {verb} {asked} {switch.name}" in line


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            "fail api client",
            "client is a setting of api: ./scripts/lab set api client timeout_seconds=20.0 --port-offset 7",
        ),
        ("fail api-2 client timeout_seconds=0.5 nonsense=3", "set api-2 client timeout_seconds=0.5 --port-offset"),
        ("fail api clinet", "./scripts/lab set api client timeout_seconds=20.0"),
        ("fail database client", "client is a setting of frontend and api: "),
        ("fail api kill", "kill is done from outside: ./scripts/lab infra kill api"),
        ("fail slow_query database", "slow_query is a failure of database: ./scripts/lab fail database slow_query"),
        ("fail slow_query", "slow_query is a failure of database: ./scripts/lab fail database slow_query"),
        ("fail api retry_storm", "retry_storm is a scene: ./scripts/lab scene retry_storm"),
        ("fail api-2 memory_lek", "did you mean memory_leak?"),
        ("defend frontend latency delay_seconds=2", "./scripts/lab fail frontend latency delay_seconds=2"),
        ("set api latency", "latency is a failure of api: ./scripts/lab fail api latency"),
        ("set api latency --default", "latency is a failure of api: ./scripts/lab heal api latency"),
        ("set api size=3", "pool"),
        ("heal api client", "./scripts/lab set api client --default"),
        ("heal frontend circuit_breaker", "./scripts/lab undefend frontend circuit_breaker"),
        ("heal slow_query", "slow_query is a failure of database: ./scripts/lab heal database slow_query"),
        ("undefend api latency", "./scripts/lab heal api latency"),
        ("scene latency", "latency is a failure of frontend and api: ./scripts/lab fail frontend latency"),
        ("scene latency", "or ./scripts/lab fail api latency"),
        ("scene slow_query --with latency", "./scripts/lab fail api latency"),
        ("predict latency", "./scripts/lab fail api latency"),
        ("latency", "./scripts/lab fail api latency"),
        ("slow_query", "./scripts/lab scene slow_query"),
        ("kill api", "kill is done from outside: ./scripts/lab infra kill"),
        ("infra latency api", "./scripts/lab fail api latency"),
        ("help client", "./scripts/lab set api client"),
        ("reset api", "the failures of api: ./scripts/lab heal api"),
        ("reset api-2", "the defences of api-2: ./scripts/lab undefend api-2"),
        ("reset api latency", "latency is a failure of api: ./scripts/lab heal api latency"),
        ("reset nonsense", "it is for the whole lab"),
    ],
)
def test_a_name_under_the_wrong_command_is_pointed_to_the_right_one(
    room: Room, lab: Lab, words: str, advice: str
) -> None:
    room.answers["GET", "/api/catalogue"] = 200, {"services": Names.of_this_checkout().switches}
    room.answers["GET", "/api/scenes"] = 200, {"scenes": [*SCENES, {"name": "retry_storm"}]}
    _, service, name, *_ = [*words.split(), "", ""]
    for kind in COMMANDS:
        room.answers["POST", f"/api/services/{service}/{kind}s/{name}"] = NOT_FOUND
    refused = lab(*words.split(), "--port-offset", "7")
    assert refused.code in (1, 2)
    assert advice in refused.err
    assert [body for path, body in room.posted() if "/services/" not in path] == []
