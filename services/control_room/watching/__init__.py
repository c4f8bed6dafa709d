"""Watching the services: looks, observers, the activity log and the journal."""
