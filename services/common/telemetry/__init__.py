"""Telemetry: metrics, sliding windows, and the state that a service shows."""
