"""Which services and instances there are, who calls whom, and where they listen: the one place that knows.

Standard library alone, so that the command line reads it without an environment.
"""

from __future__ import annotations

from dataclasses import dataclass

DATA_PORT, ADMIN_PORT = 8000, 9000  # of every container
MB = 1024 * 1024
MAX_REPLICAS = 3
LOCAL_STEP = 10  # between the ports of two instances of one service


@dataclass(frozen=True)
class ServiceSpec:
    """One service. Ports are TCP ports: `local_*` are those of the first process of `up --local`, 0 is none.

    `memory_mb` is the container's limit, which the variable `memory_variable` of .env overrides; `published` is the
    variable of .env that holds the port on which the world reaches it, empty for a service that nobody reaches; `calls`
    are the services that it calls. The page shows `title`, its name for people, `asked_for`, what calls of it are
    called, and `meters` on the path.
    """

    name: str
    threads: int
    memory_mb: int
    calls: tuple[str, ...] = ()
    published: str = ""
    memory_variable: str = ""
    local_data_port: int = 0
    local_admin_port: int = 0
    replicas: int = 1
    title: str = ""
    asked_for: str = "calls"
    meters: tuple[str, ...] = ("threads", "queue")

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Its instances: of its own name where there is one, else NAME-1, NAME-2 and so on."""
        if self.replicas == 1:
            return (Instance(self.name, self, 0),)
        return tuple(Instance(f"{self.name}-{index + 1}", self, index) for index in range(self.replicas))

    def describe(self) -> dict[str, object]:
        """As `GET /api/topology` shows it, JSON-ready."""
        return {
            "name": self.name,
            "calls": list(self.calls),
            "instances": [instance.name for instance in self.instances],
            "published": self.published or None,
            "title": self.title or self.name,
            "asked_for": self.asked_for,
            "meters": list(self.meters),
        }


@dataclass(frozen=True)
class Instance:
    """One container, or process, of a service: number `index`, from 0."""

    name: str
    spec: ServiceSpec
    index: int

    @property
    def variable(self) -> str:
        """What the names of its variables begin with: CONTROL_ROOM_URL."""
        return self.name.upper().replace("-", "_")

    @property
    def local_data_port(self) -> int:
        """The port of its data plane with `up --local`; 0 is none."""
        return self._local(self.spec.local_data_port)

    @property
    def local_admin_port(self) -> int:
        """The port of its admin plane with `up --local`; 0 is none."""
        return self._local(self.spec.local_admin_port)

    def _local(self, first: int) -> int:
        return first + LOCAL_STEP * self.index if first else 0


DATABASE = ServiceSpec(
    "database",
    threads=160,
    memory_mb=256,
    local_data_port=8002,
    local_admin_port=9002,
    asked_for="queries",
    meters=("threads", "connections", "queue"),
)
API = ServiceSpec(
    "api",
    threads=64,
    memory_mb=512,
    memory_variable="API_MEMORY_LIMIT",
    replicas=MAX_REPLICAS,
    calls=(DATABASE.name,),
    local_data_port=8001,
    local_admin_port=9001,
    meters=("threads", "pool", "memory", "queue"),
)
FRONTEND = ServiceSpec(
    "frontend",
    threads=128,
    memory_mb=256,
    calls=(API.name,),
    published="FRONTEND_PORT",
    local_admin_port=9000,
    asked_for="requests",
)
TRAFFIC = ServiceSpec(
    "traffic",
    threads=0,
    memory_mb=192,
    calls=(FRONTEND.name,),
    local_admin_port=9003,
    title="users",
    meters=("waiting",),
)
CONTROL_ROOM = ServiceSpec("control-room", threads=256, memory_mb=256, published="LAB_PORT")

CHAIN = (FRONTEND, API, DATABASE)  # as a request goes
SWITCHED = (*CHAIN, TRAFFIC)  # those that have switches and an admin plane
SERVICES = (TRAFFIC, *CHAIN, CONTROL_ROOM)
CHAIN_NAMES = tuple(spec.name for spec in CHAIN)
CALLERS = tuple(spec.name for spec in CHAIN if spec.calls)
BY_NAME = {spec.name: spec for spec in SERVICES}


def instances(specs: tuple[ServiceSpec, ...] = SERVICES) -> tuple[Instance, ...]:
    """Every instance of these services."""
    return tuple(instance for spec in specs for instance in spec.instances)


# Whatever a switch can be set on: a service, which is all of its instances, or one instance.
SWITCHED_NAMES: dict[str, tuple[Instance, ...]] = {
    **{instance.name: (instance,) for instance in instances(SWITCHED)},
    **{spec.name: spec.instances for spec in SWITCHED},
}
