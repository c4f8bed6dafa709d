"""Open-loop users."""
