"""What scripts/bench measures: never part of the tests, as machines differ and are noisy."""
