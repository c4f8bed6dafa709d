"""Failure: somebody lowered the database's connection limit."""

from services.common.switches.base import Failure
from services.common.switches.params import Param


class ConnectionLimit(Failure):
    """Leaves only a few connections; queries queue for them. Those in use are not taken away."""

    name = "connection_limit"
    brief = "{connections} connections"
    simulated = True
    story = "Only a few queries may run at once; the others queue, and the queue is bounded."
    connections = Param(2, "how many queries may run at once", "", 1, 160)

    def max_connections(self, connections: int) -> int:
        return min(connections, int(self.connections))
