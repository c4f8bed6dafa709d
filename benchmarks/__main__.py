"""The command behind scripts/bench."""

from __future__ import annotations

import sys

from benchmarks import chain, cluster, containers, effect, fire, idle_switches, images, many, open_loop, stage, votes
from benchmarks.labs import PYTHON_SERVICES


def print_chain() -> None:
    """The chain of three services beside a bare one."""
    print("chain: 8 connections in a closed loop, no service time; 5 rounds in turn", file=sys.stderr)
    found = chain.measure()
    print("\n| chain of three | requests per second |\n|---|---|")
    print(f"| bare Flask and gunicorn | {found['bare_rps']:.0f} |")
    print(f"| the lab | {found['lab_rps']:.0f} |")
    print(f"| ratio, median of the rounds | {found['ratio']:.2f} |")


def print_containers() -> None:
    """Seconds to healthy, memory and CPU at rest, control calls under fire."""
    print("containers: build, up, 76 s at rest, 60 s of full_cascade", file=sys.stderr)
    with containers.lab() as seconds:
        print(f"\nFrom `up` to all healthy, images built: {seconds:.1f} s")
        rest = containers.at_rest()
        print(
            "\n| container at rest | memory, PSS | CPU of a core, 4 users a second | and with none |\n|---|---|---|---|"
        )
        for service, found in rest.items():
            print(_row(service, found))
        ours = [rest[service] for service in PYTHON_SERVICES]
        print(_row(f"the {len(ours)} Python services", {name: sum(found[name] for found in ours) for name in ours[0]}))
        calls = containers.control_calls_under_fire()
        print(f"\n{containers.CALLS} control calls in the first 60 s of full_cascade: ", end="")
        print(", ".join(f"{name} {value * 1000:.0f} ms" for name, value in calls.items()))


def print_fire() -> None:
    """Control calls while nothing else works, and while the whole room watches."""
    print("fire: build, up, 4 times 500 control calls", file=sys.stderr)
    with containers.lab():
        print(*fire.measure(fire.Room(containers.PORTS["LAB_PORT"])), sep="\n")


def _row(name: str, found: dict[str, float]) -> str:
    return f"| {name} | {found['pss_mb']:.0f} MB | {found['cpu_4_rps']:.1%} | {found['cpu_0_rps']:.1%} |"


def main() -> int:
    """Run the benchmarks that were asked for."""
    known = {
        "chain": print_chain,
        "containers": print_containers,
        "fire": print_fire,
        "stage": stage.report,
        "votes": votes.report,
        "effect": effect.report,
        "open_loop": open_loop.report,
        "switches": idle_switches.report,
        "images": images.report,
        "many": many.report,
    }
    wanted = sys.argv[1:] or list(known)
    known["cluster"] = cluster.report  # of the labs that are in one, so by its name alone
    if unknown := set(wanted) - set(known):
        print(f"there is no benchmark {', '.join(sorted(unknown))}: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted:
        known[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
