"""Switches: everything about a service that can be changed while it runs."""
