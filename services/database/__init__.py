"""The database simulator."""
