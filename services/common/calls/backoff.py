"""How long a caller pauses before it tries again."""

from __future__ import annotations

import random

from services.common.switches.settings import ClientSetting

MAX_BACKOFF_SECONDS = 30.0


def backoff_seconds(setting: ClientSetting, retry: int, rng: random.Random) -> float:
    """The pause before retry number `retry` (from 1), in seconds.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    if setting.backoff == "none":
        return 0.0
    ceiling = min(MAX_BACKOFF_SECONDS, float(setting.backoff_base_seconds * 2 ** (retry - 1)))
    return rng.uniform(0, ceiling) if setting.backoff == "full_jitter" else ceiling
