"""Failure: the cache has lost what it held, and holds nothing."""

from services.common.switches.base import Failure


class CacheFlush(Failure):
    """Empties the cache and keeps it empty, as while its node restarts; switched off, it may fill again."""

    name = "cache_flush"
    simulated = True
    story = "The cache is emptied, and neither keeps nor finds anything."

    def cache_room(self, keys: int) -> int:
        return 0
