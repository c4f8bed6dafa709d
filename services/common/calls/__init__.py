"""Calls: the one place from which a service calls another."""
